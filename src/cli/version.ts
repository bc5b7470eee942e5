import { readFileSync } from "node:fs";

/** This package's version. */
export function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const json: unknown = JSON.parse(text);
  const known = typeof json === "object" && json !== null && "version" in json;
  return known && typeof json.version === "string" ? json.version : "unknown";
}
