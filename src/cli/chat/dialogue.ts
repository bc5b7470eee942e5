import { homedir } from "node:os";
import { stat } from "node:fs/promises";
import { commandsHelp } from "../../chat/commands.ts";
import type { Conversation } from "../../chat/conversation.ts";
import { readLine, readPath, readPicture, type Line, type LineOptions } from "../../chat/line.ts";
import type { Transcript } from "../../chat/transcript.ts";
import { asFlashSlothError, FlashSlothError } from "../../core/errors.ts";
import type { Answer, EngineHandle } from "../../engine/api.ts";
import type { PictureFetcher } from "../../addresses/fetch.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { preparePicture } from "./pictures.ts";
import { SavedFiles } from "./save.ts";
import type { Voice } from "./voice.ts";

export interface DialogueParts {
  readonly terminal: Pick<Terminal, "note" | "warning" | "error" | "report" | "status" | "clear" | "draw">;
  readonly engine: Pick<EngineHandle, "preparePicture">;
  readonly conversation: Conversation;
  readonly transcript: Transcript;
  readonly fetcher: PictureFetcher;
  readonly voice: Voice;
  readonly maxTokens: number;
  /** @default none */
  readonly timeoutMs?: number | undefined;
  /** Whether what is drawn on the terminal may have colours. */
  readonly color: boolean;
  /** Whether the earlier picture stays where a new one cannot be looked at: only where somebody reads that it did. */
  readonly keepsPicture: boolean;
}

const HINTS = [
  "A line that begins with a picture's path or URL shows that picture, and asks what follows it.",
  "A backslash at the end of a line goes on in the next one. Ctrl-C stops an answer.",
];
const CONTEXT_FULL = "/clear begins anew with the same picture; /save FILE writes down what was said";
const HOW_TO_LOOK = "drop a picture on the terminal, or give its path or URL: /image photo.jpg";

/** Does what the lines of a chat say, one after the other, and says what came of it. */
export class Dialogue {
  readonly #parts: DialogueParts;
  readonly #saved = new SavedFiles();
  /** lines that were to be done: answered questions, and whatever failed */
  readonly counts = { answered: 0, failed: 0 };
  #image: string | undefined;
  #source: string | Uint8Array = "";

  constructor(parts: DialogueParts) {
    this.#parts = parts;
  }

  /** @returns whether the chat goes on */
  async take(line: string, signal: AbortSignal): Promise<boolean> {
    try {
      const meant = await readLine(line, lineOptions());
      if (meant.kind === "command" && meant.name === "exit") return false;
      await this.#perform(meant, signal);
    } catch (error) {
      this.#report(error);
    }
    return true;
  }

  /** A line that could not even be read. @returns whether the chat goes on */
  async fail(error: FlashSlothError): Promise<boolean> {
    this.#report(error);
    await this.#parts.voice.end(undefined);
    return true;
  }

  /** Shows a picture. @throws as fetching, reading and encoding it do */
  async look(name: string, signal: AbortSignal): Promise<void> {
    const { terminal, engine, conversation, transcript, fetcher, keepsPicture } = this.#parts;
    terminal.status(`looking at ${name}`);
    try {
      const { label, source, prepared } = await preparePicture({ name, engine, fetcher, signal });
      const { width, height } = await conversation.look(prepared, { signal });
      transcript.begin(label);
      this.#image = label;
      this.#source = source;
      terminal.clear();
      terminal.note(`looking at ${label}, ${width} x ${height}`);
    } catch (error) {
      if (!keepsPicture) await this.#forgetPicture();
      else if (this.#image !== undefined) throw withHint(error, `still looking at ${this.#image}`);
      throw error;
    } finally {
      terminal.clear();
    }
  }

  async #perform(line: Line, signal: AbortSignal): Promise<void> {
    switch (line.kind) {
      case "nothing":
        return;
      case "mistake":
        if (line.picture === true && !this.#parts.keepsPicture) await this.#forgetPicture();
        throw new FlashSlothError("usage", line.message, { hint: line.hint });
      case "question":
        return await this.#ask(line.question, signal);
      case "picture": {
        await this.look(line.picture, signal);
        if (line.question !== undefined) await this.#ask(line.question, signal);
        return;
      }
      case "command":
        return await this.#command(line, signal);
    }
  }

  async #command({ name, argument }: Extract<Line, { kind: "command" }>, signal: AbortSignal): Promise<void> {
    const { terminal, conversation, transcript } = this.#parts;
    switch (name) {
      case "image": {
        if (argument === "") {
          terminal.note(this.#image === undefined ? HOW_TO_LOOK : `looking at ${this.#image}`);
          return;
        }
        return await this.#perform(await readPicture(argument, lineOptions()), signal);
      }
      case "clear":
        await conversation.clear();
        if (this.#image !== undefined) transcript.begin(this.#image);
        terminal.note(
          this.#image === undefined ? "nothing was said yet" : `forgotten; still looking at ${this.#image}`,
        );
        return;
      case "save": {
        const path = readPath(argument, lineOptions());
        const turns = await this.#saved.save(path, transcript);
        terminal.note(`${turns} ${turns === 1 ? "answer" : "answers"} saved in ${path}`);
        return;
      }
      case "explain": {
        const { showAttention } = await import("./attention.ts");
        await showAttention({
          ...this.#parts,
          picture: this.#source,
          path: argument === "" ? undefined : readPath(argument, lineOptions()),
          saved: this.#saved,
          signal,
        });
        return;
      }
      case "help":
        terminal.report([...commandsHelp(), ...HINTS].join("\n"));
        return;
      case "exit":
    }
  }

  async #ask(question: string, signal: AbortSignal): Promise<void> {
    const { terminal, conversation, transcript, voice } = this.#parts;
    let answer: Answer | undefined;
    try {
      if (conversation.picture === undefined) {
        throw new FlashSlothError("usage", "there is no picture to ask about", { hint: HOW_TO_LOOK });
      }
      const had = conversation.turns.length;
      terminal.status("thinking");
      const onText = (piece: string): void => {
        terminal.clear();
        voice.onText(piece);
      };
      answer = await conversation.ask(question, { onText, signal });
      const turn = conversation.turns[had];
      if (turn !== undefined) transcript.add(turn);
    } catch (error) {
      const full =
        error instanceof FlashSlothError &&
        error.code === "question-too-long" &&
        conversation.turns.length > 0;
      throw full ? withHint(error, CONTEXT_FULL) : error;
    } finally {
      terminal.clear();
      await voice.end(answer);
    }
    this.#explain(answer);
  }

  /** Says why an answer is not whole. */
  #explain({ finish, text, tokens }: Answer): void {
    const { terminal, maxTokens, timeoutMs = 0 } = this.#parts;
    const seconds = timeoutMs / 1000;
    if (finish === "timeout" && text === "") {
      throw new FlashSlothError("timeout", `no answer within ${seconds} s`, {
        hint: "give it more time with --timeout",
      });
    }
    if (finish === "interrupted" && text === "") {
      throw new FlashSlothError("interrupted", "the question was not answered");
    }
    this.counts.answered++;
    if (finish === "interrupted") terminal.note("stopped");
    else if (finish === "timeout") terminal.warning(`the answer was cut off after ${seconds} s`);
    else if (finish === "repetition") {
      terminal.warning("the answer repeated itself without end, and was cut off");
    } else if (finish === "length" && tokens.answer < maxTokens) {
      terminal.warning(
        `the answer was cut off: the conversation has filled the model's context. ${CONTEXT_FULL}`,
      );
    } else if (finish === "length") {
      terminal.warning(
        `the answer was cut off after ${tokens.answer} tokens; --max-tokens allows longer ones`,
      );
    }
  }

  #report(error: unknown): void {
    const { terminal } = this.#parts;
    terminal.clear();
    const reason = asFlashSlothError(error, "internal", "unexpected failure");
    if (reason.code === "interrupted") terminal.note("stopped");
    else terminal.error(reason.message, reason.hint);
    this.counts.failed++;
  }

  async #forgetPicture(): Promise<void> {
    this.#image = undefined;
    await this.#parts.conversation.dispose();
  }
}

function lineOptions(): LineOptions {
  return {
    home: homedir(),
    windows: process.platform === "win32",
    exists: async (path) =>
      stat(path).then(
        () => true,
        () => false, // also what cannot be a path at all
      ),
  };
}

/** The same error, with what is to be done here. */
function withHint(error: unknown, hint: string): FlashSlothError {
  const { code, message } = asFlashSlothError(error, "internal", "unexpected failure");
  return new FlashSlothError(code, message, { hint, cause: error });
}
