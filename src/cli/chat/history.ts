import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { diskError } from "../../core/files/bytes.ts";
import { systemCode } from "../../core/errors.ts";
import { withLock } from "../../core/files/lock.ts";

/** Lines that are kept, and how many more there may be before the file is written anew. */
const MOST_LINES = 1000;
const SLACK = 500;
/** A longer one is not kept: it was pasted. */
const LONGEST_CHARACTERS = 8192;

export interface HistoryOptions {
  /** The file: a JSON string a line, the oldest first. */
  readonly path: string;
  /** Where processes claim it. */
  readonly locks: string;
}

/** What was typed in chats, from one to the next. Several chats at once each add to the same file, under a lock. */
export class History {
  readonly #options: HistoryOptions;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** The latest first; nothing where there is no file. What is no line of a history is passed over. @throws `disk` */
  async read(): Promise<string[]> {
    const lines = await this.#lines();
    if (lines.length > MOST_LINES + SLACK) await this.#shorten();
    return lines.slice(-MOST_LINES).toReversed();
  }

  /** Adds a line, unless it is blank, long, or begins with a space. @throws `disk` */
  async add(line: string): Promise<void> {
    if (line.trim() === "" || line.startsWith(" ") || line.length > LONGEST_CHARACTERS) return;
    await this.#locked(async (path) => appendFile(path, `${JSON.stringify(line)}\n`, { mode: 0o600 }));
  }

  async #lines(): Promise<string[]> {
    const text = await readFile(this.#options.path, "utf8").catch((error: unknown) => {
      if (systemCode(error) === "ENOENT") return "";
      throw diskError(this.#options.path, error);
    });
    return text.split("\n").flatMap((line) => parsed(line));
  }

  async #shorten(): Promise<void> {
    await this.#locked(async (path) => {
      const lines = (await this.#lines()).slice(-MOST_LINES);
      const beside = `${path}.tmp`;
      await writeFile(beside, lines.map((line) => `${JSON.stringify(line)}\n`).join(""), { mode: 0o600 });
      await rename(beside, path);
    });
  }

  async #locked(work: (path: string) => Promise<void>): Promise<void> {
    const { path, locks } = this.#options;
    try {
      await mkdir(dirname(path), { recursive: true });
      await withLock({ directory: locks, key: "chat-history" }, async () => work(path));
    } catch (error) {
      throw diskError(path, error);
    }
  }
}

function parsed(line: string): string[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" && value !== "" ? [value] : [];
  } catch {
    return [];
  }
}
