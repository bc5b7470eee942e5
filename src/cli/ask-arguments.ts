import { lstat } from "node:fs/promises";
import { FlashSlothError } from "../core/errors.ts";
import { visible } from "./text.ts";

const EXAMPLE = 'for example: flashsloth ask photo.jpg "What is this?"';
const PICTURE_NAME = /^\S+\.(jpe?g|png|webp|avif|gif|tiff?|svg|heic|heif|bmp)$/i;

/**
 * Which arguments of `ask` are pictures and which is the question: the last one, unless `-q` gave it. What names an
 * existing file, or looks like a picture's name, is never taken for the question.
 * @throws `usage`
 */
export async function splitArguments(
  words: readonly string[],
  question: string | undefined,
): Promise<{ images: readonly string[]; question: string }> {
  if (question !== undefined) {
    if (words.length === 0) throw new FlashSlothError("usage", "no picture given", { hint: EXAMPLE });
    return checked(words, question);
  }
  const last = words.at(-1);
  if (last === undefined) {
    throw new FlashSlothError("usage", "no picture and no question given", { hint: EXAMPLE });
  }
  if (await exists(last)) {
    const message =
      words.length === 1
        ? `no question given about ${visible(last)}`
        : `the last argument names an existing file, ${visible(last)}, so there is no question`;
    throw new FlashSlothError("usage", message, { hint: 'give the question with -q "…"' });
  }
  if (last === "-" || isUrl(last) || PICTURE_NAME.test(last)) {
    throw new FlashSlothError(
      "usage",
      `the last argument, ${visible(last)}, is a picture's, not a question`,
      {
        hint: 'give the question last, or with -q "…"',
      },
    );
  }
  if (words.length === 1) {
    throw new FlashSlothError("usage", "a picture and a question are needed, and only one was given", {
      hint: EXAMPLE,
    });
  }
  return checked(words.slice(0, -1), last);
}

function checked(
  images: readonly string[],
  question: string,
): { images: readonly string[]; question: string } {
  if (question.trim() === "") {
    throw new FlashSlothError("usage", "the question is empty", { hint: EXAMPLE });
  }
  const url = images.find(isUrl);
  if (url !== undefined) {
    throw new FlashSlothError("usage", `URLs are not supported yet: ${visible(url)}`, {
      hint: "download the picture and give its path, or pipe it in and give - as the picture",
    });
  }
  if (images.includes("")) throw new FlashSlothError("usage", "a picture's path is empty");
  if (images.filter((image) => image === "-").length > 1) {
    throw new FlashSlothError("usage", "standard input (-) can be read only once");
  }
  return { images, question };
}

function isUrl(word: string): boolean {
  return /^https?:\/\//i.test(word);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false; // also what cannot be a path at all: too long, through a file, not permitted
  }
}
