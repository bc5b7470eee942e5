/**
 * The child's side of `askChild`: takes one request, answers it, and ends; it ends when its parent does, too, and leaves Ctrl-C, which reaches every
 * process of a terminal's foreground group, to its parent.
 */
export function answerParent(answer: (request: unknown) => Promise<object>): void {
  process.on("disconnect", dieWithParent);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  process.once("message", (request: unknown) => {
    void answer(request).then((reply) =>
      process.send?.(reply, undefined, undefined, () => {
        dieWithParent(); // what native libraries do at the end of a process is no part of the answer
      }),
    );
  });
}

function dieWithParent(): void {
  process.kill(process.pid, "SIGKILL");
}
