import { textOf, type JsonObject } from "../../../core/json.ts";
import { checkChoices, type ChoicesConstraint } from "../../../engine/constraint/choices.ts";
import { messageOf } from "../../../core/errors.ts";
import type { AskSettings } from "../../job.ts";
import { BadRow, idOf, type KnownOfRow, type Row } from "./row.ts";

const OURS =
  'a line is like {"image": "a.jpg", "question": "What is this?", "id": 1, "choices": ["yes", "no"]}';
const LLAVA = 'a line is like {"question_id": 1, "image": "a.jpg", "text": "What is this?"}';
const IMAGEFOLDER = 'a line is like {"file_name": "a.jpg"}, and -q gives the question';

/** `{"image", "question"?, "id"?, "choices"?}`: ours, and the columns of a CSV. */
export function ourRow(object: JsonObject): Row {
  const id = idOf(object["id"]);
  const image = textOf(object["image"]);
  const question = optionalText(object["question"]);
  const known = { id, image, question };
  if (image === undefined) throw new BadRow("no picture is named by `image`", OURS, known);
  if (question === undefined && isGiven(object["question"])) {
    throw new BadRow("`question` is no text", OURS, known);
  }
  return { ...known, image, ask: choicesOf(object["choices"], known) };
}

/** `{"question_id", "image", "text"}`: what LLaVA's evaluation scripts read. */
export function llavaRow(object: JsonObject): Row {
  const id = idOf(object["question_id"]);
  const image = textOf(object["image"]);
  const question = textOf(object["text"]);
  const known = { id, image, question };
  if (image === undefined) throw new BadRow("no picture is named by `image`", LLAVA, known);
  if (question === undefined) throw new BadRow("no question is in `text`", LLAVA, known);
  return { ...known, image };
}

/** `{"file_name", "question"?}`: the metadata of a Hugging Face imagefolder. */
export function imagefolderRow(object: JsonObject): Row {
  const image = textOf(object["file_name"]);
  const question = optionalText(object["question"]);
  const known = { id: idOf(object["id"]), image, question };
  if (image === undefined) throw new BadRow("no picture is named by `file_name`", IMAGEFOLDER, known);
  return { ...known, image };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function optionalText(value: unknown): string | undefined {
  return isGiven(value) ? textOf(value) : undefined;
}

/** @param value texts, or in a CSV's cell one text with commas between */
function choicesOf(value: unknown, known: KnownOfRow): Partial<AskSettings> | undefined {
  if (!isGiven(value)) return undefined;
  const texts: unknown = typeof value === "string" ? value.split(",") : value;
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
    throw new BadRow("`choices` is no list of texts", OURS, known);
  }
  const constraint: ChoicesConstraint = { kind: "choices", texts };
  try {
    checkChoices(constraint);
  } catch (error) {
    throw new BadRow(messageOf(error), OURS, known);
  }
  return { constraint, temperature: 0 };
}
