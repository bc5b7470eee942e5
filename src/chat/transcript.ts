import { visible, visibleText } from "../core/visible.ts";
import type { ConversationTurn } from "./conversation.ts";

/** One conversation of several that were had one after the other. */
export interface TranscriptPart {
  /** as its giver called it */
  readonly image: string;
  readonly turns: readonly ConversationTurn[];
}

/** All that was said since a chat began, whatever was cleared or looked at in between. */
export class Transcript {
  /** The model's name. */
  readonly model: string;
  readonly #parts: { readonly image: string; readonly turns: ConversationTurn[] }[] = [];

  constructor(model: string) {
    this.model = model;
  }

  /** Conversations in which something was said. */
  get parts(): readonly TranscriptPart[] {
    return this.#parts.filter(({ turns }) => turns.length > 0);
  }

  /** A conversation begins. */
  begin(image: string): void {
    this.#parts.push({ image, turns: [] });
  }

  add(turn: ConversationTurn): void {
    this.#parts.at(-1)?.turns.push(turn);
  }
}

export type TranscriptForm = "markdown" | "json";

/** The form that a file's name asks for; undefined for what is no transcript's. */
export function transcriptForm(path: string): TranscriptForm | undefined {
  const [, extension = ""] = /[^/\\]\.([^./\\]*)$/.exec(path) ?? [];
  if (/^json$/i.test(extension)) return "json";
  return extension === "" || /^(md|markdown|txt)$/i.test(extension) ? "markdown" : undefined;
}

/** A transcript to be read or parsed; ends with a newline. */
export function renderTranscript(transcript: Transcript, form: TranscriptForm): string {
  return form === "json" ? asJson(transcript) : asMarkdown(transcript);
}

function asJson({ model, parts }: Transcript): string {
  const conversations = parts.map(({ image, turns }) => ({
    image,
    turns: turns.map(({ question, answer, finish }) => ({ question, answer, finish })),
  }));
  return `${visibleJson(JSON.stringify({ model, conversations }, undefined, 2))}\n`;
}

/** DEL, C1 and line separators, which `JSON.stringify` leaves as they are, escaped as it escapes others. */
function visibleJson(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A heading for each conversation; questions as quotations, answers as they are. */
function asMarkdown({ model, parts }: Transcript): string {
  const blocks = parts.flatMap(({ image, turns }) => [
    `# ${visible(image)}`,
    ...turns.flatMap(({ question, answer, finish }) => [
      visibleText(question).replaceAll(/^/gm, "> "),
      [visibleText(answer), ...(finish === "stop" ? [] : [`*(${CUT_OFF[finish]})*`])]
        .filter((text) => text !== "")
        .join(" "),
    ]),
  ]);
  return [...blocks, `*Answered by ${visible(model)}.*`].join("\n\n") + "\n";
}

const CUT_OFF = {
  length: "cut off at its longest",
  repetition: "cut off: it repeated itself",
  timeout: "cut off: its time was over",
  interrupted: "stopped",
} as const;
