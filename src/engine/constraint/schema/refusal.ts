import { FlashSlothError } from "../../../core/errors.ts";

/** The error for a schema that cannot be used. `at` is a JSON pointer into it: "" is the schema itself. */
export function refusal(at: string, what: string, hint: string): FlashSlothError {
  return new FlashSlothError("usage", `the JSON schema${at === "" ? "" : ` at ${at}`}: ${what}`, { hint });
}

/** One more step of a JSON pointer (RFC 6901). */
export function step(at: string, key: string | number): string {
  return `${at}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
