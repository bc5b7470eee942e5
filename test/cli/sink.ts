import { Writable } from "node:stream";

/** A stream that keeps what it gets, or fails as told. */
export function sink(failure?: { code: string }): { stream: Writable; text: () => string } {
  let text = "";
  const stream = new Writable({
    write: (chunk, _, done) => {
      if (failure !== undefined) {
        done(Object.assign(new Error(`write ${failure.code}`), failure));
        return;
      }
      text += String(chunk);
      done();
    },
  });
  return { stream, text: () => text };
}
