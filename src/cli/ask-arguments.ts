import { lstat } from "node:fs/promises";
import { FlashSlothError } from "../core/errors.ts";
import { visible } from "../core/visible.ts";

const EXAMPLE = 'for example: flashsloth ask photo.jpg "What is this?"';
const PICTURE_NAME = /^\S+\.(jpe?g|png|webp|avif|gif|tiff?|svg|heic|heif|bmp)$/i;

export interface AskArguments {
  readonly images: readonly string[];
  /** at least one */
  readonly questions: readonly string[];
}

/**
 * Which arguments of `ask` are pictures and which is the question: the last one, unless `-q` gave some. What names an
 * existing file, or looks like a picture's name, is never taken for the question.
 * @throws `usage`
 */
export async function splitArguments(
  words: readonly string[],
  questions: readonly string[] = [],
): Promise<AskArguments> {
  if (questions.length > 0) {
    if (words.length === 0) throw new FlashSlothError("usage", "no picture given", { hint: EXAMPLE });
    return checked(words, questions);
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
  return checked(words.slice(0, -1), [last]);
}

function checked(images: readonly string[], questions: readonly string[]): AskArguments {
  if (questions.some((question) => question.trim() === "")) {
    const which = questions.length === 1 ? "the question" : "one of the questions";
    throw new FlashSlothError("usage", `${which} is empty`, { hint: EXAMPLE });
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
  return { images, questions };
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
