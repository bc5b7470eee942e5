import { access, mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { FileSink } from "../../../src/core/files/bytes.ts";
import type { GgufMetadata } from "../../../src/formats/gguf/types.ts";
import { type GgufTensorSource, writeGguf } from "../../../src/formats/gguf/write.ts";
import { languageMetadata, languageTensors } from "./language.ts";
import type { Peer } from "./shapes.ts";
import { visionMetadata, visionTensors } from "./vision.ts";

/** What `llama-mtmd-cli` loads. */
export interface PeerFiles {
  readonly language: string;
  readonly vision: string;
}

/** Writes a peer's two files into a folder, unless they are there. The question's words are tokens of the vocabulary. */
export async function writePeer(
  folder: string,
  { key, peer, question }: { readonly key: string; readonly peer: Peer; readonly question: string },
): Promise<PeerFiles> {
  await mkdir(folder, { recursive: true });
  const language = join(folder, `${key}.q4_k_m.gguf`);
  const vision = join(folder, `${key}.mmproj.f16.gguf`);
  await write(language, languageMetadata(peer, question), languageTensors(peer.language));
  await write(vision, visionMetadata(peer), visionTensors(peer));
  return { language, vision };
}

async function write(
  path: string,
  metadata: GgufMetadata,
  tensors: readonly GgufTensorSource[],
): Promise<void> {
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const partial = `${path}.partial`;
  await FileSink.fill(partial, async (sink) => writeGguf({ sink, metadata, tensors }));
  await rename(partial, path);
}
