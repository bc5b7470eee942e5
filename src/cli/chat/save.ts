import { rename, rm, stat, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { renderTranscript, transcriptForm, type Transcript } from "../../chat/transcript.ts";
import { FlashSlothError, systemCode } from "../../core/errors.ts";
import { writeError } from "../answers/output.ts";

/** The files that a chat has written, which it may write anew; others are left as they are. */
export class SavedFiles {
  readonly #own = new Set<string>();

  /**
   * Writes a transcript, Markdown or JSON by the file's name.
   * @returns how many answers are in it
   * @throws `usage` for no name, one of another kind of file, one that is taken, or where nothing was said; `disk`
   */
  async save(path: string, transcript: Transcript): Promise<number> {
    const form = transcriptForm(path);
    if (path === "") throw usage("/save needs a file's name", "for example: /save notes.md");
    if (form === undefined) {
      throw usage(`${path} is no name for a transcript`, "end it with .md, or with .json for JSON");
    }
    const turns = transcript.parts.reduce((count, part) => count + part.turns.length, 0);
    if (turns === 0) throw usage("nothing was said yet that could be saved", "ask something first");
    await this.write(path, renderTranscript(transcript, form), "the transcript");
    return turns;
  }

  /**
   * Writes what a chat has made.
   * @param what messages call it
   * @throws `usage` where the name is taken; `disk`
   */
  async write(path: string, content: string | Uint8Array, what: string): Promise<void> {
    const own = resolve(path);
    const beside = `${path}.${process.pid}.tmp`;
    try {
      if (this.#own.has(own)) {
        await writeFile(beside, content, { flag: "wx" });
        await rename(beside, path);
      } else {
        await writeFile(path, content, { flag: "wx" });
        this.#own.add(own);
      }
    } catch (error) {
      if (this.#own.has(own)) await rm(beside, { force: true });
      if (systemCode(error) !== "EEXIST") throw writeError(path, error, { what });
      const isFolder = await stat(path).then((found) => found.isDirectory());
      const message = isFolder ? `${path} is a folder` : `${path} is there already, and is left as it is`;
      throw usage(message, "save under another name");
    }
  }
}

function usage(message: string, hint: string): FlashSlothError {
  return new FlashSlothError("usage", message, { hint });
}
