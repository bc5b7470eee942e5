import { randomBytes } from "node:crypto";
import { access, constants, mkdir } from "node:fs/promises";
import { basename, dirname, join, parse } from "node:path";
import { onDisk } from "../../core/files/disk.ts";
import { replaceFile } from "../../core/files/replace-file.ts";
import type { Outcome } from "../../pipeline/outcome.ts";
import type { MapPlace } from "./request.ts";

/** The end of a map's name in a folder: none of a picture's own. */
const MAP_EXTENSION = ".attention.png";
/** Characters of a picture's name that are kept: file systems take 255 bytes. */
const LONGEST_STEM = 60;
/** Names that Windows takes for devices. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)$/i;

/** The files that maps are drawn to. */
export class MapFiles {
  readonly #place: Exclude<MapPlace, { kind: "terminal" }>;
  /** names that were given in this run, as file systems that know no case see them */
  readonly #taken = new Set<string>();

  private constructor(place: Exclude<MapPlace, { kind: "terminal" }>) {
    this.#place = place;
  }

  /** Makes the folder, or sees to it that the file can be written. @throws `disk` */
  static async open(place: Exclude<MapPlace, { kind: "terminal" }>): Promise<MapFiles> {
    if (place.kind === "folder") await onDisk(place.path, mkdir(place.path, { recursive: true }));
    await requireWritable(place.kind === "folder" ? place.path : dirname(place.path));
    return new MapFiles(place);
  }

  /** Writes a map: beside, then in its place. @returns its path. @throws `disk` */
  async write(outcome: Outcome, png: Uint8Array): Promise<string> {
    const { kind, path } = this.#place;
    const target = kind === "file" ? path : join(path, this.#nameFor(outcome));
    const beside = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString("hex")}.tmp`);
    await onDisk(target, replaceFile(target, beside, png));
    return target;
  }

  /** `photo.attention.png`; of several questions `photo.2.attention.png`, and of another picture of that name `photo-2…` */
  #nameFor({ job, question }: Outcome): string {
    const stem = safeStem(job.name ?? job.label);
    const { questions } = job;
    const which = questions.length > 1 ? `.${questions.indexOf(question) + 1}` : "";
    for (let copy = 1; ; copy++) {
      const name = `${stem}${copy === 1 ? "" : `-${copy}`}${which}${MAP_EXTENSION}`;
      const folded = name.toLowerCase();
      if (this.#taken.has(folded)) continue;
      this.#taken.add(folded);
      return name;
    }
  }
}

/** What of a picture's name may stand in a file's name: letters and digits of any script, dots, lines. */
export function safeStem(name: string): string {
  const path = /^(https?|data):/i.test(name) ? name.replace(/[?#].*$/s, "") : name;
  const { name: stem } = parse(path.replaceAll("\\", "/"));
  const safe = Array.from(stem.normalize("NFC").replaceAll(/[^\p{L}\p{N}._-]+/gu, "_"))
    .slice(0, LONGEST_STEM)
    .join("")
    .replace(/^[.\-_]+/, "");
  if (safe === "") return "picture";
  return DEVICE.test(safe) ? `_${safe}` : safe;
}

/** Sees to it that something can be written in a folder. @throws `disk` */
export async function requireWritable(folder: string): Promise<void> {
  await onDisk(folder, access(folder, constants.W_OK));
}
