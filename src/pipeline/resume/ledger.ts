import { createHash } from "node:crypto";
import { resolve } from "node:path";
import type { WrittenRow } from "../printers/printer.ts";
import type { Job, Question } from "../job.ts";
import { fileMark, sameMark, type Content } from "./content.ts";
import { keyOf, ownOf, type Settings } from "./settings.ts";
import type { FileMark } from "./stamp.ts";

/** An answer that was given before. */
interface Entry {
  readonly id: string | undefined;
  readonly image: string;
  /** undefined: its row does not say */
  readonly key: string | undefined;
  readonly file: FileMark | undefined;
  readonly settings: Settings | undefined;
  /** A question was found to be answered by it. */
  taken: boolean;
}

/**
 * The answers of earlier runs. An answer stands for one question: what is asked twice about the same picture is answered twice.
 */
export class Ledger {
  readonly #byPlace = new Map<string, Entry[]>();
  readonly #byKey = new Map<string, Entry[]>();
  /** every set of settings that answers were given with, by its text */
  readonly #settings = new Map<string, Settings>();

  add({ id, image, question, stamp }: WrittenRow): void {
    const { key, file } = stamp ?? {};
    const settings = stamp && this.#known(stamp.settings);
    const entry = { id: id?.toString(), image, key, file, settings, taken: false };
    enter(this.#byPlace, placeOf(image, question), entry);
    if (key !== undefined) enter(this.#byKey, key, entry);
  }

  /**
   * Whether the question about that picture was answered before, which is then used up: where the picture was, if it has not
   * changed there; or under another name that no longer exists, if its bytes are the same.
   */
  async take(job: Job, question: Question, content: Content): Promise<boolean> {
    const id = (question.id ?? job.id)?.toString();
    const free = (entry: Entry): boolean => !entry.taken && (id === undefined || entry.id === id);
    const here = this.#byPlace.get(placeOf(job.label, question.text)) ?? [];
    for (const entry of here.filter(free)) {
      if (!(await this.#fits(entry, question, content))) continue;
      entry.taken = true;
      return true;
    }
    if (content.path === undefined) return false;
    const digest = await content.digest();
    for (const settings of this.#settings.values()) {
      const moved = this.#byKey.get(keyOf(digest, question.text, settings)) ?? [];
      for (const entry of moved.filter(free)) {
        if (settings.own !== ownOf(question) || (await fileMark(entry.image)) !== undefined) continue;
        entry.taken = true;
        return true;
      }
    }
    return false;
  }

  /** The cheap way first: a file of the same size and time holds the same bytes. */
  async #fits({ key, file, settings }: Entry, question: Question, content: Content): Promise<boolean> {
    if (settings === undefined || key === undefined) return true;
    if (settings.own !== ownOf(question)) return false;
    if (file !== undefined && sameMark(file, await content.file())) return true;
    return key === keyOf(await content.digest(), question.text, settings);
  }

  #known(settings: Settings): Settings {
    const text = JSON.stringify(settings);
    const known = this.#settings.get(text) ?? settings;
    this.#settings.set(text, known);
    return known;
  }
}

function enter(entries: Map<string, Entry[]>, at: string, entry: Entry): void {
  const there = entries.get(at);
  if (there === undefined) entries.set(at, [entry]);
  else there.push(entry);
}

/** Stands for a picture's place and a question; `a.png` and `./a.png` are one place. */
function placeOf(image: string, question: string): string {
  return createHash("sha1")
    .update(JSON.stringify([resolve(image), question]))
    .digest("base64");
}
