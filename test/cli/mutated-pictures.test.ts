import { mkdir, writeFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { isPictureFile } from "../../src/pipeline/sources/folder.ts";
import { lines, Place, QUESTION } from "./binary.ts";
import { everyFormat, mutated } from "./mutations.ts";

const place = new Place();
/** FLASHSLOTH_MUTATIONS=10000 takes half an hour; the seeds begin at 1 in any case. */
const COUNT = Number(process.env["FLASHSLOTH_MUTATIONS"] ?? 260);

beforeAll(async () => place.convertDemo());

it(
  `has a record for each of ${COUNT} damaged pictures in one folder`,
  async () => {
    const folder = place.path("damaged");
    await mkdir(folder);
    const formats = [...(await everyFormat())];
    const expected: string[] = [];
    for (let seed = 1; seed <= COUNT; seed++) {
      const [name, bytes] = formats[seed % formats.length] ?? ["", new Uint8Array()];
      const path = `${folder}/${String(seed).padStart(6, "0")}.${name}`;
      await writeFile(path, mutated(bytes, seed));
      // an SVG may be damaged past recognition
      if (await isPictureFile(path)) expected.push(path);
    }
    const words = ["ask", "-m", "demo", "--quiet", "--json", "--max-tokens", "1", folder, QUESTION];
    const { status, signal, stdout, stderr } = await place.run(words);
    expect({ status, signal }).toEqual({ status: 3, signal: null });
    expect(stderr).not.toMatch(/internal|unexpected|panic|\bat .*:\d+/);
    const records = lines(stdout).map(
      (line) => JSON.parse(line) as { image: string; answer?: string; error?: { code: string } },
    );
    expect(records.map(({ image }) => image)).toEqual(expected);
    const codes = new Set(
      records.map(({ answer, error }) => (answer === undefined ? error?.code : "answered")),
    );
    expect(codes.has("answered")).toBe(true);
    const fine = new Set<string | undefined>(["answered", "image-invalid", "image-too-large"]);
    expect([...codes].filter((code) => !fine.has(code))).toEqual([]);
    // neither is everything refused, nor every damage overlooked, in any format
    for (const [name] of formats) {
      const ofFormat = records.filter(({ image }) => image.endsWith(`.${name}`));
      expect(
        ofFormat.some(({ error }) => error !== undefined),
        name,
      ).toBe(true);
    }
  },
  COUNT * 1000 + 120_000,
);
