import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FlashSlothError } from "../../src/core/errors.ts";
import { decodePicture } from "../../src/image/decode.ts";
import { MAX_PIXELS } from "../../src/image/max-pixels.ts";
import { MAX_FILE_BYTES } from "../../src/image/source.ts";
import { asOrdinaryUser, encoder, noise, png, seeded } from "./make.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-image-"));
  await chmod(folder, 0o755);
});
afterAll(() => rm(folder, { recursive: true }));

async function refusal(input: string | Uint8Array): Promise<FlashSlothError> {
  try {
    await decodePicture({ input });
  } catch (error) {
    if (error instanceof FlashSlothError) return error;
    throw error;
  }
  throw new Error("it was decoded");
}

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

describe("decodePicture refuses", () => {
  it("a path that names nothing", async () => {
    const path = join(folder, "absent.jpg");
    expect(await refusal(path)).toMatchObject({
      code: "image-not-found",
      message: `no such file or folder: ${path}`,
    });
    expect((await refusal(`${await file("plain", "x")}/photo.jpg`)).code).toBe("image-not-found");
    expect((await refusal("a\0b.jpg")).code).toBe("image-not-found");
    expect((await refusal("x".repeat(5000))).code).toBe("image-not-found");
  });

  it("a folder, a link in a circle, a pipe and a device, without waiting", async () => {
    expect(await refusal(folder)).toMatchObject({
      code: "image-not-found",
      message: `${folder} is a folder, not a picture`,
    });
    const circle = join(folder, "circle.png");
    await symlink(circle, circle);
    expect((await refusal(circle)).message).toContain("leads in a circle");
    const pipe = join(folder, "pipe.png");
    execFileSync("mkfifo", [pipe]);
    for (const special of [pipe, "/dev/zero"]) {
      const error = await refusal(special);
      expect(error).toMatchObject({ code: "image-unreadable" });
      expect(error.message).toBe(`${special} is a pipe or a device, not a file`);
    }
  });

  it("a file without permission, and one in a folder without permission", async () => {
    const secret = await file(
      "secret.png",
      png({ width: 1, height: 1, depth: 8, colour: 0 }, Uint8Array.of(0, 9)),
    );
    await chmod(secret, 0);
    const closed = join(folder, "closed");
    await mkdir(closed, { mode: 0 });
    for (const path of [secret, join(closed, "photo.png")]) {
      const error = await asOrdinaryUser(() => refusal(path));
      expect(error).toMatchObject({ code: "image-unreadable", message: `no permission to read ${path}` });
      expect(error.hint).toContain("permissions");
    }
  });

  it("an empty file", async () => {
    const path = await file("empty.png", "");
    expect(await refusal(path)).toMatchObject({ code: "image-invalid", message: `${path} is empty` });
    expect((await refusal(new Uint8Array())).message).toBe("the picture is empty");
  });

  it("what is no picture, and says what it looks like", async () => {
    const text = await file("notes.jpg", "Dear diary,\n");
    expect(await refusal(text)).toMatchObject({
      code: "image-invalid",
      message: `${text} is not a picture: it looks like text`,
    });
    const page = await file("page.png", "<!doctype html><title>404</title>");
    expect((await refusal(page)).message).toContain("it looks like a web page");
    const unknown = await file("unknown.gif", Uint8Array.of(0, 1, 2, 3));
    expect((await refusal(unknown)).message).toContain("its content is not of a known kind");
    expect((await refusal(unknown)).hint).toContain("JPEG, PNG, WebP");
  });

  it("a damaged HEIC, which sharp could not decode either: its own libheif has AV1 in it and no HEVC", async () => {
    expect(sharp.format.heif.input.fileSuffix).toEqual([".avif"]);
    const avif = await encoder(noise(64, 64, 1))
      .avif()
      .toBuffer();
    const { width, height } = await decodePicture({ input: avif });
    expect([width, height]).toEqual([64, 64]);
    const relabelled = avif
      .toString("latin1")
      .replaceAll("av01", "hvc1")
      .replaceAll("av1C", "hvcC")
      .replaceAll("avif", "heic");
    await expect(sharp(Buffer.from(relabelled, "latin1")).raw().toBuffer()).rejects.toThrow(/heif/i);
    expect((await refusal(Buffer.from(relabelled, "latin1"))).message).toContain(
      "is a HEIC that is truncated or damaged",
    );
  });

  it.each(["BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28", "\xff\x0a\0\0", "P6\n4 4\n255\n"])(
    "%j, a picture in a format that is not decoded",
    async (head) => {
      const error = await refusal(Buffer.from(head, "latin1"));
      expect(error).toMatchObject({ code: "image-invalid" });
      expect(error.hint).toMatch(/^convert it first: magick in\.\w+ in\.jpg$/);
    },
  );

  it("half of a picture, in every format", async () => {
    const picture = encoder(noise(64, 48, 6));
    const files = {
      "a JPEG": picture.clone().jpeg(),
      "a progressive JPEG": picture.clone().jpeg({ progressive: true }),
      "a PNG": picture.clone().png(),
      "an interlaced PNG": picture.clone().png({ progressive: true }),
      "a WebP": picture.clone().webp(),
      "a GIF": picture.clone().gif(),
      "a TIFF": picture.clone().tiff(),
      "an AVIF": picture.clone().avif(),
    };
    for (const [kind, encoded] of Object.entries(files)) {
      const bytes = await encoded.toBuffer();
      for (const part of [0.3, 0.6, 0.95]) {
        const error = await refusal(bytes.subarray(0, bytes.byteLength * part));
        expect(error, kind).toMatchObject({ code: "image-invalid" });
        expect(error.message, kind).toContain("is truncated or damaged");
        expect(error.message, kind).not.toContain("\n");
      }
    }
  });

  it("a pixel bomb by its header, before it costs anything", async () => {
    const bomb = png({ width: 40_000, height: 40_000, depth: 1, colour: 0 }, new Uint8Array(5001 * 1000));
    expect(bomb.byteLength).toBeLessThan(10_000);
    const path = await file("bomb.png", bomb);
    const before = process.memoryUsage.rss();
    expect(await refusal(path)).toMatchObject({
      code: "image-too-large",
      message: `${path} has 40,000 x 40,000 pixels; at most ${MAX_PIXELS / 1e6} megapixels are decoded`,
    });
    expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
    const needle = png({ width: 2_000_000, height: 2, depth: 1, colour: 0 }, new Uint8Array(10));
    expect((await refusal(needle)).message).toContain("at most 1,000,000 a side");
    const absurd = png({ width: 0x7fff_ffff, height: 0x7fff_ffff, depth: 1, colour: 0 }, new Uint8Array(10));
    expect((await refusal(absurd)).code).toBe("image-invalid");
  });

  it("a file of many gigabytes, by its size", async () => {
    const path = await file("huge.png", "\x89PNG");
    await truncate(path, MAX_FILE_BYTES + 1);
    expect((await refusal(path)).code).toBe("image-too-large");
  });
});

describe("decodePicture on damaged files", () => {
  it("gives a picture or one of our errors, nothing else", async () => {
    const random = seeded(2024);
    const picture = encoder(noise(24, 20, 7));
    const originals = await Promise.all(
      [picture.clone().jpeg(), picture.clone().png(), picture.clone().webp(), picture.clone().gif()].map(
        (format) => format.toBuffer(),
      ),
    );
    let decoded = 0;
    let refused = 0;
    for (const original of originals) {
      for (let round = 0; round < 150; round++) {
        const bytes = Uint8Array.from(
          original.subarray(0, round % 3 ? original.length : random(original.length)),
        );
        for (let flips = random(6); flips > 0 && bytes.length > 0; flips--) {
          const at = random(bytes.length);
          bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        }
        try {
          const { pixels, width, height } = await decodePicture({ input: bytes });
          expect(pixels.length).toBe(width * height * 3);
          decoded++;
        } catch (error) {
          expect(error).toBeInstanceOf(FlashSlothError);
          expect(error).toMatchObject({ code: expect.stringMatching(/^image-(invalid|too-large)$/) });
          refused++;
        }
      }
    }
    expect(decoded).toBeGreaterThan(50);
    expect(refused).toBeGreaterThan(50);
  });
});
