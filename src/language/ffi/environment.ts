import koffi from "koffi";

/**
 * Sets a variable of the process's own environment where it is not set yet. `process.env` of a worker thread is a copy that
 * native code never sees. Does nothing on Windows, whose C library keeps an environment for each runtime.
 */
export function setNativeVariable(name: string, value: string): void {
  if (process.platform === "win32") return;
  const setenv = koffi.load(null).func("int setenv(const char *name, const char *value, int overwrite)");
  setenv(name, value, 0);
}
