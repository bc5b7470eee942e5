import { gzipSync } from "node:zlib";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import { ParquetThread } from "../../../src/eval/data/parquet-thread.ts";
import { ParquetFile } from "../../../src/eval/data/parquet.ts";
import { randomIntegers } from "../../random.ts";
import { parquet } from "../write-parquet.ts";

const MUTATIONS = Number(process.env["FLASHSLOTH_MUTATIONS"] ?? 200);
/** Some damage makes the library go round for ever: so long it may, here. */
const LONGEST_MS = 2000;
const COLUMNS = ["question", "choices", "answer", "image"];

const thread = new ParquetThread({ longestMs: LONGEST_MS });
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "flashsloth-parquet-"))));
afterAll(async () => {
  await thread.close();
  await rm(folder, { recursive: true, force: true });
});

function sample(): Uint8Array {
  const next = randomIntegers(1);
  const bytes = (): Uint8Array => Uint8Array.from({ length: 200 }, () => next());
  return parquet({
    question: { texts: ["What is it?", null, "How many?", "Where?", "Who?"] },
    choices: { lists: [["a", "b"], [], ["c"], ["d", "e", "f"], ["g"]] },
    answer: { numbers: [1, 0, 2, 3, 4] },
    image: { pictures: [bytes(), bytes(), null, bytes(), bytes()] },
  });
}

async function readAll(content: Uint8Array): Promise<Record<string, unknown>[]> {
  const path = join(folder, "a.parquet");
  await writeFile(path, content);
  const file = await ParquetFile.open(path, COLUMNS, thread);
  const rows: Record<string, unknown>[] = [];
  for (const group of file.groups) rows.push(...(await file.read(group, COLUMNS)));
  return rows;
}

/** Reads what may be broken. @returns the error, which must be one of ours, on one line */
async function complaint(content: Uint8Array): Promise<FlashSlothError | undefined> {
  try {
    await readAll(content);
    return undefined;
  } catch (error) {
    if (!(error instanceof FlashSlothError)) throw error;
    expect(error.code).toBe("usage");
    expect(error.message).toContain("a.parquet");
    expect(error.message).not.toContain("\n");
    return error;
  }
}

describe("a Parquet file", () => {
  it("gives its rows, a group at a time", async () => {
    const rows = await readAll(sample());
    expect(rows.map(({ question }) => question ?? null)).toEqual([
      "What is it?",
      null,
      "How many?",
      "Where?",
      "Who?",
    ]);
    expect(rows.map(({ choices }) => choices)[3]).toEqual(["d", "e", "f"]);
    expect(rows.map(({ answer }) => answer)).toEqual([1n, 0n, 2n, 3n, 4n]);
    expect(rows[0]?.["image"]).toMatchObject({ bytes: expect.any(Uint8Array) });
    expect(rows[2]?.["image"]).toBeUndefined();
  });

  it.each(["GZIP", "UNCOMPRESSED", "SNAPPY"] as const)("may be compressed by %s", async (codec) => {
    const buffer = parquetWriteBuffer({
      columnData: [
        { name: "question", data: Array.from({ length: 50 }, () => "the same"), type: "STRING" },
        ...["choices", "answer", "image"].map((name) => ({
          name,
          data: Array.from({ length: 50 }, () => "x"),
        })),
      ],
      codec,
      compressors: { GZIP: (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes)) },
    });
    const rows = await readAll(new Uint8Array(buffer));
    expect(rows.map(({ question }) => question)).toEqual(Array.from({ length: 50 }, () => "the same"));
  });

  it("without a column that is needed is refused by that column's name", async () => {
    const error = await complaint(parquet({ question: { texts: ["a"] }, image: { pictures: [null] } }));
    expect(error?.message).toMatch(/has no column choices; it has question, image/);
  });

  it("cut off anywhere is refused", async () => {
    const whole = sample();
    for (let length = 0; length < whole.byteLength; length += 1 + Math.floor(whole.byteLength / 60)) {
      expect(await complaint(whole.subarray(0, length)), `${length} bytes`).toBeInstanceOf(FlashSlothError);
    }
  });

  it("that is something else is refused", async () => {
    const texts = ["", "PAR1", "PAR1PAR1", '{"a": 1}\n', "PAR1\xff\xff\xff\x7fPAR1", "PAR1\0\0\0\0PAR1"];
    for (const text of texts) {
      expect(await complaint(Buffer.from(text, "latin1")), JSON.stringify(text)).toBeInstanceOf(
        FlashSlothError,
      );
    }
  });

  it(
    `is read or refused by one line, whatever is damaged (${MUTATIONS} times)`,
    { timeout: 600_000 },
    async () => {
      const whole = sample();
      const next = randomIntegers(7);
      let [refused, endless] = [0, 0];
      for (let round = 0; round < MUTATIONS; round++) {
        const damaged = whole.slice();
        const footer = next() % 2 === 0; // half of the damage goes where the sizes are
        for (let count = 1 + (next() % 3); count > 0; count--) {
          const from = footer ? Math.floor(damaged.byteLength / 2) : 0;
          damaged[from + (next() % (damaged.byteLength - from))] = next() & 0xff;
        }
        const start = performance.now();
        if ((await complaint(damaged)) !== undefined) refused++;
        expect(performance.now() - start, `round ${round}`).toBeLessThan(20_000);
      }
      expect(refused).toBeGreaterThan(MUTATIONS / 20);
      expect(endless).toBeLessThan(MUTATIONS / 10); // they are ended, and the next is read
    },
  );
});
