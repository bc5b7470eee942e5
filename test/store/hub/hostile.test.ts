import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { FlashSlothError } from "../../../src/core/errors.ts";
import type { HubFile } from "../../../src/store/hub/listing.ts";
import { INDEX_FILE } from "../../../src/formats/safetensors/weight-files.ts";
import { describingFiles, weightFiles } from "../../../src/store/hub/needed.ts";
import { HubPlace, REPO } from "./hub-place.ts";
import { random } from "../../random.ts";

const COMMIT = "c".repeat(40);

/** Cuts, doubles or overwrites a piece of `text`. */
function damage(text: string, next: () => number): string {
  const at = Math.floor(next() * text.length);
  const end = at + 1 + Math.floor(next() * 12);
  const pieces = ["", "null", "-1", "1e99", '"', "{", "[", "..", "\u0000", text.slice(at, end).repeat(2)];
  return text.slice(0, at) + (pieces[Math.floor(next() * pieces.length)] ?? "") + text.slice(end);
}

describe("answers of the hub that make no sense", () => {
  it.each([
    ["revision", "[]"],
    ["revision", '{"sha": "main"}'],
    ["revision", '{"sha": "../../x"}'],
    ["tree", "{}"],
    ["tree", '[{"type": "file", "path": "config.json", "oid": "x", "size": 3}]'],
    ["tree", '[{"type": "file", "path": "config.json", "oid": "x", "size": -3}]'],
    ["tree", '[{"type": "file", "path": "a", "oid": "x", "size": 1, "lfs": {"oid": "short", "size": 1}}]'],
  ])("%s: %s is refused as such", async (verb, body) => {
    const place = await HubPlace.open();
    place.server.apiFault = (asked) => (asked === verb ? { kind: "status", status: 200, body } : undefined);
    await expect(place.pull()).rejects.toMatchObject({
      code: "network",
      message: expect.stringContaining("is not understood"),
    });
  });

  it("pages without end are ended", async () => {
    const place = await HubPlace.open();
    const link = `</api/models/${REPO}/tree/${COMMIT}?recursive=1>; rel="next"`;
    place.server.apiFault = (verb) =>
      verb === "tree" ? { kind: "status", status: 200, headers: { link }, body: "[]" } : undefined;
    await expect(place.pull()).rejects.toThrow("it does not end");
  });

  it("a listing that promises a file larger than the disk is stopped by the disk's figures", async () => {
    const place = await HubPlace.open();
    const entry = { type: "file", path: "config.json", oid: "a".repeat(40), size: 2 ** 52 };
    place.server.apiFault = (verb) =>
      verb === "tree" ? { kind: "status", status: 200, body: JSON.stringify([entry]) } : undefined;
    await expect(place.pull()).rejects.toMatchObject({ code: "disk" });
    expect(place.server.count("/resolve/")).toBe(0);
  });

  it("damaged listings end in one of our errors or in files of plain names", async () => {
    const place = await HubPlace.open();
    const next = random(11);
    const sane = JSON.stringify(
      [...place.server.files].map(([path, { bytes }]) => ({
        type: "file",
        path,
        oid: "a".repeat(40),
        size: bytes.byteLength,
      })),
    );
    for (let round = 0; round < 60; round++) {
      const body = damage(sane, next);
      place.server.apiFault = (verb) => (verb === "tree" ? { kind: "status", status: 200, body } : undefined);
      const error: unknown = await place
        .pull({ patience: { attempts: 1, pauseMs: 1 } })
        .catch((e: unknown) => e);
      expect(error, body).toBeInstanceOf(FlashSlothError);
      expect((error as FlashSlothError).code, body).toMatch(
        /^(?:network|checkpoint-invalid|disk|model-missing)$/,
      );
    }
    expect(await readdir(place.paths.models)).toEqual([]);
  });

  it("damaged indices name plain files or are refused", async () => {
    const next = random(12);
    const names = ["config.json", INDEX_FILE, "model-1.safetensors", "model-2.safetensors"];
    const files: HubFile[] = names.map((path) => ({
      path,
      size: 1,
      digest: { kind: "sha256", hex: "0".repeat(64) },
    }));
    const index = JSON.stringify({
      weight_map: { "a.weight": "model-1.safetensors", b: "model-2.safetensors" },
    });
    expect(await weightFiles(REPO, files, async () => index)).toHaveLength(2);
    expect(describingFiles(REPO, files)).toHaveLength(2);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      try {
        const damaged = damage(index, next);
        for (const { path } of await weightFiles(REPO, files, async () => damaged)) {
          expect(path).toMatch(/^model-[12]\.safetensors$/);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(FlashSlothError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(1000);
  });
});
