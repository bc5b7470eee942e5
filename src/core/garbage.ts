import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Between two collections at least, in milliseconds: one takes about ten. */
const PAUSE_MS = 1000;

let collect: (() => void) | undefined;
let lastTime: number | undefined;

/**
 * Collects this thread's garbage from time to time in a long run: called after each picture, it does so every second. V8
 * counts its own objects and waits for many; here a small object holds a picture's pixels or features, and a young heap would
 * let tens of megabytes of them lie, for longer and longer as the run goes on.
 */
export function collectGarbage(): void {
  const now = performance.now();
  lastTime ??= now; // a short run never collects
  if (now - lastTime < PAUSE_MS) return;
  lastTime = now;
  collect ??= exposedCollector();
  collect();
}

/** V8's `gc`, which a context has that is made while the flag is set. */
function exposedCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collector: unknown = runInNewContext("typeof gc === 'function' ? gc : undefined");
  setFlagsFromString("--no-expose-gc");
  return typeof collector === "function" ? () => void Reflect.apply(collector, undefined, []) : () => {};
}
