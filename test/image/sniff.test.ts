import { describe, expect, it } from "vitest";
import { HEAD_BYTES, sniff } from "../../src/image/sniff.ts";
import { encoder, noise, seeded } from "./make.ts";

function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

describe("sniff", () => {
  it("recognises what sharp writes", async () => {
    const picture = encoder(noise(8, 8, 1));
    for (const format of ["jpeg", "png", "webp", "gif", "tiff", "avif"] as const) {
      const bytes = await picture.clone().toFormat(format).toBuffer();
      expect(sniff(bytes)).toMatchObject({ format, picture: true, decodes: true });
    }
  });

  it.each(["ftypheic\0\0\0\0mif1heic", "ftypmif1\0\0\0\0mif1heix"])("recognises HEIC: %j", (brands) => {
    const head = latin1(`\0\0\0\x18${brands}`);
    expect(sniff(head)).toMatchObject({ format: "heic", picture: true, decodes: true });
  });

  it.each([
    ["BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28", "bmp"],
    ["\0\0\0\x0cJXL \r\n\x87\n", "jxl"],
    ["\0\0\0\x18ftypcrx \0\0\0\x01crx isom", "cr3"],
    ["8BPS\0\x01", "psd"],
    ["P6\n4 4\n255\n", "pnm"],
  ])("knows that %j is a picture that is not decoded", (head, format) => {
    expect(sniff(latin1(head))).toMatchObject({ format, picture: true, decodes: false });
  });

  it.each([
    ["%PDF-1.7\n", "pdf"],
    ["\0\0\0\x18ftypisom\0\0\x02\0isommp41", "mp4"],
    ["<!DOCTYPE html><html><body><svg></svg>", "html"],
    ["hello\n", "text"],
    ["BM is what this text begins with", "text"],
    ["<note>no drawing</note>", "text"],
    ["RIFF\0\0\0\0AVI LIST", "avi"],
    ["PK\x03\x04\x14", "zip"],
  ])("knows that %j is no picture", (head, format) => {
    expect(sniff(latin1(head))).toMatchObject({ format, picture: false, decodes: false });
  });

  it("tells AVIF from HEIC by any brand, within the first box only", () => {
    expect(sniff(latin1("\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf"))?.format).toBe("avif");
    expect(sniff(latin1("\0\0\0\x14ftypmif1\0\0\0\0mif1....avif"))?.format).toBe("heic");
  });

  it("finds an SVG behind a byte order mark, a declaration and comments", () => {
    const open = '<svg xmlns="http://www.w3.org/2000/svg"/>';
    expect(sniff(latin1(open))?.format).toBe("svg");
    expect(sniff(latin1(`\xef\xbb\xbf\n<?xml version="1.0"?><!--${"x".repeat(900)}-->${open}`))?.format).toBe(
      "svg",
    );
  });

  it("says nothing about nothing, or about noise, and never throws", () => {
    expect(sniff(new Uint8Array())).toBeUndefined();
    expect(sniff(Uint8Array.of(0, 1, 2, 3))).toBeUndefined();
    const random = seeded(5);
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: random(64) }, () => random(256));
      if (round % 2)
        bytes.set(latin1("ftyp").subarray(0, Math.max(0, bytes.length - 4)), Math.min(4, bytes.length));
      expect(() => sniff(bytes)).not.toThrow();
    }
    expect(sniff(new Uint8Array(HEAD_BYTES * 4))).toBeUndefined();
  });
});
