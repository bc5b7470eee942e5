import { isMainThread } from "node:worker_threads";

/** Its presence with the value 1, before onnxruntime starts, keeps it from collecting anything (its `docs/Privacy.md`). */
export const TELEMETRY_SWITCH = "ORT_DISABLE_TELEMETRY";

/**
 * Switches onnxruntime's telemetry off, which its builds for Linux and macOS have on by default since 1.29: it would report
 * models, devices and failures to its maker, and before that match regular expressions against the whole command line,
 * which overflows the stack of a thread when that is long. A user's own setting stands. Only the main thread reaches the
 * environment that native code reads; another one's `process.env` is a copy.
 * @returns whether native code will see it
 */
export function disableTelemetry(): boolean {
  process.env[TELEMETRY_SWITCH] ??= "1";
  return isMainThread;
}
