import { messageOf } from "../../core/errors.ts";

/** Why a device did not work, in words that follow its name in a sentence. */
export function reasonOf(error: unknown): string {
  return messageOf(error).replace(/^\w+ does not work for \S+ here: /, "");
}
