import { messageOf } from "../core/errors.ts";

const LONGEST = 200;

/**
 * What onnxruntime says went wrong, without the C++ around it: a failed check comes as
 * `file.cc:136 some::function(types) condition was false. The reason`.
 */
export function shortReason(error: unknown): string {
  const text = messageOf(error)
    .replace(/^.*\bwas false\. /, "")
    .replace(/^OrtSessionOptions\w+: /, "")
    .replace(/^\S+\.(?:cc|cpp|h):\d+ /, "");
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
