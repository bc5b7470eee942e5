import { createHash, timingSafeEqual } from "node:crypto";

/** Whether an `Authorization` header carries the key, in a time that does not depend on where they differ. */
export function carriesKey(header: string | undefined, key: string): boolean {
  const [, given = ""] = /^Bearer +(\S+) *$/i.exec(header ?? "") ?? [];
  // digests are of one length, whatever the texts are
  return timingSafeEqual(digest(given), digest(key));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
