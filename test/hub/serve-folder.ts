import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { HubServer, type ServedFile } from "./server.ts";

const USAGE = `usage: serve-folder DIRECTORY [--repo OWNER/REPO] [--mbps N]

Serves a checkpoint's folder as the Hugging Face hub would, until Ctrl-C, and prints the HF_ENDPOINT to use.
  --repo  the repository that it is (default Tongbo/FlashSloth-3.2B)
  --mbps  megabytes a second of each file (default: as fast as it goes)`;

async function describe(path: string): Promise<ServedFile> {
  if (!path.endsWith(".safetensors")) return { bytes: await readFile(path), lfs: false };
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  const { size } = await stat(path);
  return { bytes: new Uint8Array(), lfs: true, stored: { path, size, sha256: hash.digest("hex") } };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { repo: { type: "string", default: "Tongbo/FlashSloth-3.2B" }, mbps: { type: "string" } },
  });
  const [directory] = positionals;
  if (directory === undefined || positionals.length > 1) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const files: Record<string, ServedFile> = {};
  for (const name of await readdir(directory)) files[name] = await describe(resolve(join(directory, name)));
  const server = await HubServer.start({
    repo: values.repo,
    files,
    commit: createHash("sha1")
      .update(JSON.stringify(Object.keys(files)))
      .digest("hex"),
    ...(values.mbps === undefined ? {} : { bytesPerSecond: Number(values.mbps) * 1e6 }),
  });
  console.log(`HF_ENDPOINT=${server.endpoint}`);
}

await main();
