import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { crc32, deflateSync } from "node:zlib";
import { beforeAll, describe, expect, it } from "vitest";
import { drawing, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();

function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const chunk = Buffer.alloc(8 + body.byteLength);
  chunk.writeUInt32BE(data.byteLength, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), 4 + body.byteLength);
  return chunk;
}

/** A well-formed PNG of `side` x `side` 8-bit RGB whose pixels are one long run. */
function pngBomb(side: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.alloc(1 << 20));
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    pngChunk("IDAT", pixels),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

beforeAll(async () => {
  const photo = await readFile(drawing("010.jpg"));
  await writeFile(place.path("empty.png"), "");
  await writeFile(place.path("text.jpg"), "this is no picture\n");
  await writeFile(place.path("cut.jpg"), photo.subarray(0, photo.byteLength >> 1));
  await writeFile(place.path("bomb.png"), pngBomb(40_000));
  const heic = Buffer.from("\0\0\0\u0018ftypheic\0\0\0\0mif1heic\0\0\0\u0008meta", "latin1");
  await writeFile(place.path("phone.heic"), heic);
  await mkdir(place.path("no pictures"));
  await writeFile(place.path("no pictures/readme.txt"), "nothing to see");
});

describe("bad pictures: one clear line each, exit status 1", () => {
  it.each([
    ["a file that is not there", "nosuch.jpg", "image-not-found", /nosuch\.jpg/],
    ["an empty file", "empty.png", "image-invalid", /empty/],
    ["a text file named .jpg", "text.jpg", "image-invalid", /text\.jpg/],
    ["a truncated JPEG", "cut.jpg", "image-invalid", /cut\.jpg/],
    ["a decompression bomb", "bomb.png", "image-too-large", /40,?000/],
    ["a truncated HEIC", "phone.heic", "image-invalid", /HEIC/],
    ["a folder without pictures", "no pictures", "image-not-found", /no pictures/],
  ])("%s", async (_, image, code, message) => {
    const { status, stdout, stderr } = await place.run(["ask", "-m", "demo", "--json", image, QUESTION]);
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      image,
      error: { code, message: expect.stringMatching(message) as string },
    });
    const errors = lines(stderr).filter((line) => line.startsWith("error: "));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(image);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it("a folder that may not be read", async () => {
    await mkdir(place.path("closed"));
    await chmod(place.path("closed"), 0);
    const words = ["ask", "-m", "demo", "--quiet", "closed", QUESTION];
    // root reads everything: where the tests run as root, this run goes without that power
    const caps = "-dac_override,-dac_read_search";
    const powerless = process.getuid?.() === 0 ? `setpriv --bounding-set=${caps} --inh-caps=${caps} ` : "";
    await chmod(place.directory, 0o755);
    const { status, stdout, stderr } = await place.bash(
      `${powerless}$flashsloth ${words.map((word) => `'${word}'`).join(" ")}`,
    );
    await chmod(place.path("closed"), 0o700);
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .*(permission|not allowed|may not).*closed|closed.*(permission|may not)/);
  });
});

describe("wrong usage: one clear line, exit status 2", () => {
  it.each([
    ["no arguments", [], /no picture and no question/],
    ["an empty question", [RED_CIRCLE, ""], /the question is empty/],
    ["a blank question", [RED_CIRCLE, "-q", " \t"], /the question is empty/],
    ["no question", [RED_CIRCLE], /no question given/],
    ["a picture where the question should be", [RED_CIRCLE, drawing("086.png")], /names an existing file/],
    ["an unknown option", [RED_CIRCLE, QUESTION, "--fast"], /unknown option '--fast'/],
    ["a number that is none", [RED_CIRCLE, QUESTION, "--threads", "two"], /expected a whole number/],
    ["an unknown device", [RED_CIRCLE, QUESTION, "--device", "abacus"], /Allowed choices are auto, cpu/],
  ])("%s", async (_, words, message) => {
    const { status, stdout, stderr } = await place.run(["ask", "-m", "demo", ...words]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(lines(stderr)).toHaveLength(2);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^hint: /m);
  });

  it("an unknown command, or none", async () => {
    expect(await place.run(["aks"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("unknown command 'aks' (Did you mean ask?)") as string,
    });
    expect(await place.run([])).toMatchObject({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^Usage/) as string,
    });
  });
});

describe("a model that is not there", () => {
  it("ends with status 4 and says what to do", async () => {
    const { status, stdout, stderr } = await place.run(["ask", "--no-download", RED_CIRCLE, QUESTION]);
    expect({ status, stdout }).toEqual({ status: 4, stdout: "" });
    expect(stderr).toMatch(/^error: .*flashsloth-3\.2b/);
    expect(stderr).toMatch(/^hint: .*-m demo/m);
  });
});
