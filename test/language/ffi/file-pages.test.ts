import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import koffi from "koffi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readManifest } from "../../../src/core/model/manifest.ts";
import { FilePages } from "../../../src/language/ffi/file-pages.ts";
import { loadLlama } from "../../../src/language/ffi/library.ts";
import { NativeModel } from "../../../src/language/ffi/model.ts";
import { convertDemo } from "../../demo/demo-model.ts";

const PROT_READ = 1;
const MAP_SHARED = 1;
const MAP_POPULATE = 0x8000;
const SIZE = 4 << 20;

/** `Rss` of a file's mappings in kilobytes, from `/proc/self/smaps`; undefined when it is not mapped. */
async function residentKilobytes(path: string): Promise<number | undefined> {
  let resident: number | undefined;
  let inside = false;
  for (const line of (await readFile("/proc/self/smaps", "latin1")).split("\n")) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) inside = line.endsWith(path);
    const rss = /^Rss:\s+(\d+) kB/.exec(line)?.[1];
    if (inside && rss !== undefined) resident = (resident ?? 0) + Number(rss);
  }
  return resident;
}

describe.runIf(process.platform === "linux")("a mapped file's pages", () => {
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "flashsloth-pages-"));
    path = join(folder, "pages");
    const file = await open(path, "w+");
    await file.write(Uint8Array.from({ length: SIZE }, (_, index) => index * 7));
    await file.close();
  });

  afterAll(async () => rm(folder, { recursive: true, force: true }));

  it("leave memory when they are released, and read the same afterwards", async () => {
    const libc = koffi.load(null);
    const mmap = libc.func(
      "void *mmap(void *at, size_t length, int prot, int flags, int fd, int64_t offset)",
    );
    const munmap = libc.func("int munmap(void *at, size_t length)");
    const file = await open(path, "r");
    const address = mmap(null, SIZE, PROT_READ, MAP_SHARED | MAP_POPULATE, file.fd, 0) as bigint;
    try {
      expect(await residentKilobytes(path)).toBe(SIZE / 1024);
      new FilePages(path).release();
      expect(await residentKilobytes(path)).toBe(0);
      const bytes = new Uint8Array(koffi.view(address, SIZE));
      expect(Buffer.compare(bytes, await readFile(path))).toBe(0);
    } finally {
      munmap(address, SIZE);
      await file.close();
    }
  });

  it("are no concern of other files' mappings", async () => {
    const library = process.report.getReport() as unknown as { sharedObjects: string[] };
    const node = process.execPath;
    expect(library.sharedObjects.length).toBeGreaterThan(0);
    const before = await residentKilobytes(node);
    new FilePages(path).release();
    expect((await residentKilobytes(node)) ?? 0).toBeGreaterThan((before ?? 0) / 2);
  });

  it("are not held by a model once it has loaded", async () => {
    const demo = await convertDemo();
    const gguf = join(demo.directory, (await readManifest(demo.directory)).roles.language);
    const model = await NativeModel.load({ library: await loadLlama("cpu"), path: gguf });
    try {
      expect(await residentKilobytes(gguf)).toBe(0);
      expect(model.tokenize("What is this?").length).toBeGreaterThan(2);
    } finally {
      model.dispose();
      await demo.remove();
    }
    expect(await residentKilobytes(gguf)).toBeUndefined();
  });
});
