import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileLabel } from "../../../src/pipeline/sources/file-names.ts";
import { folderPictures } from "../../../src/pipeline/sources/folder.ts";
import { asOrdinaryUser, png } from "../../image/make.ts";

const PNG = png({ width: 1, height: 1, depth: 8, colour: 0 }, Uint8Array.of(0, 9));
/** Names that sort differently as themselves, with a slash, in UTF-16 and in UTF-8. */
const STEMS = ["a", "a-", "a.b", "B", "\u{1f600}", "\uff21"];

let top = "";
const files: string[] = [];
beforeAll(async () => {
  top = await mkdtemp(join(tmpdir(), "flashsloth-folder-"));
  await chmod(top, 0o755);
  const fill = async (folder: string, depth: number): Promise<void> => {
    for (const stem of STEMS) {
      files.push(join(folder, `${stem}.png`));
      await writeFile(join(folder, `${stem}.png`), PNG);
      if (depth === 0) continue;
      await mkdir(join(folder, stem));
      await fill(join(folder, stem), depth - 1);
    }
  };
  await fill(top, 2);
});
afterAll(async () => rm(top, { recursive: true }));

async function walk(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of folderPictures({ folder, recursive: true })) paths.push(fileLabel(path));
  return paths;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

describe("folderPictures", () => {
  it("gives a tree in the order of the bytes of whole paths", async () => {
    expect(await walk(top)).toEqual(files.toSorted(byBytes));
  });

  it("complains of a closed folder where its own name sorts", async () => {
    const closed = [join(top, "a"), join(top, "a-", "a")];
    for (const folder of closed) await chmod(folder, 0);
    const seen = await asOrdinaryUser(async () => walk(top));
    for (const folder of closed) await chmod(folder, 0o755);
    const open = files.filter((file) => !closed.some((folder) => file.startsWith(`${folder}/`)));
    expect(seen).toEqual([...open, ...closed].toSorted(byBytes));
  });

  it("opens no folder and no file before it is their turn", async () => {
    const pictures = folderPictures({ folder: top, recursive: true });
    const first = await pictures.next();
    await rm(join(top, "\u{1f600}.png"));
    const codes = new Set<string>();
    for await (const found of pictures) {
      if ("error" in found) codes.add(`${fileLabel(found.path)} ${found.error.code}`);
    }
    const [path = ""] = files.toSorted(byBytes);
    expect(first.value).toEqual({ path, name: relative(top, path) });
    expect(codes).toEqual(new Set([`${join(top, "\u{1f600}.png")} image-not-found`]));
  });
});
