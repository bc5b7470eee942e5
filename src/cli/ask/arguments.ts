import { lstat } from "node:fs/promises";
import { FlashSlothError } from "../../core/errors.ts";
import { visible } from "../../core/visible.ts";
import { hasPictureName } from "../../image/names.ts";

const EXAMPLE = 'for example: flashsloth ask photo.jpg "What is this?"';

export interface AskArguments {
  readonly images: readonly string[];
  /** at least one, unless they come from elsewhere */
  readonly questions: readonly string[];
}

/** Where else pictures and questions come from. */
export type Elsewhere = "names" | "questions";

/**
 * Which arguments of `ask` are pictures and which is the question: the last one, unless `-q` gave some. What names an
 * existing file, or looks like a picture's name, is never taken for the question.
 * @param elsewhere a list has the names of pictures, a file has pictures and questions. @default neither
 * @throws `usage`
 */
export async function splitArguments(
  words: readonly string[],
  questions: readonly string[] = [],
  elsewhere?: Elsewhere,
): Promise<AskArguments> {
  if (elsewhere === "questions") {
    const [word] = words;
    if (word === undefined) return checked([], questions);
    throw new FlashSlothError("usage", `with --questions, ${visible(word)} has no place here`, {
      hint: "the file names the pictures; a question for rows without one is given with -q",
    });
  }
  if (questions.length > 0) {
    if (words.length === 0 && elsewhere === undefined)
      throw new FlashSlothError("usage", "no picture given", { hint: EXAMPLE });
    return checked(words, questions);
  }
  const last = words.at(-1);
  if (last === undefined) {
    const missing = elsewhere === undefined ? "no picture and no question given" : "no question given";
    throw new FlashSlothError("usage", missing, { hint: EXAMPLE });
  }
  if (await exists(last)) {
    const message =
      words.length === 1
        ? `no question given about ${visible(last)}`
        : `the last argument names an existing file, ${visible(last)}, so there is no question`;
    throw new FlashSlothError("usage", message, { hint: 'give the question with -q "…"' });
  }
  if (last === "-" || isUrl(last) || (hasPictureName(last) && !/\s/.test(last))) {
    throw new FlashSlothError(
      "usage",
      `the last argument, ${visible(last)}, is a picture's, not a question`,
      {
        hint: 'give the question last, or with -q "…"',
      },
    );
  }
  if (words.length === 1 && elsewhere === undefined) {
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
  if (images.includes("")) throw new FlashSlothError("usage", "a picture's path is empty");
  if (images.filter((image) => image === "-").length > 1) {
    throw new FlashSlothError("usage", "standard input (-) can be read only once");
  }
  return { images, questions };
}

function isUrl(word: string): boolean {
  return /^(https?:\/\/|data:image\/)/i.test(word);
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch {
    return false; // also what cannot be a path at all: too long, through a file, not permitted
  }
}
