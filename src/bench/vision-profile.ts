import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type { Provider } from "../core/model/device.ts";
import type { Manifest } from "../core/model/manifest.ts";
import { preparePicture } from "../image/picture.ts";
import { openSession } from "../onnxruntime/open.ts";

/** The vision graph's parts by the clock of onnxruntime's own profiler, in milliseconds for one picture. */
export interface VisionProfile {
  /** SAP and projector: from the first operator of the pooling to the end of the graph */
  readonly compress: readonly number[];
}

export interface VisionProfileOptions {
  readonly directory: string;
  readonly manifest: Pick<Manifest, "geometry" | "roles">;
  readonly picture: string | Uint8Array;
  readonly provider: Provider;
  readonly threads: number;
  readonly repeat: number;
}

/**
 * Runs the vision graph in a session of its own, once to warm up, with the profiler on. In the engine's session the
 * parts of the graph cannot be told apart.
 * @throws as `openSession` does
 */
export async function profileVision(options: VisionProfileOptions): Promise<VisionProfile> {
  const { directory, manifest, picture, provider, threads, repeat } = options;
  const { imageSize: side, crops: plan } = manifest.geometry;
  const { pixels, crops } = await preparePicture({ input: picture, imageSize: side, crops: plan });
  const folder = await mkdtemp(join(tmpdir(), "flashsloth-bench-"));
  try {
    const path = join(directory, manifest.roles.vision);
    const profile = join(folder, "vision");
    const session = await openSession({ path, provider, threads, profile });
    try {
      const length = side * side * 3;
      for (let run = 0; run < (repeat + 1) * crops; run++) {
        const at = (run % crops) * length;
        const data = pixels.subarray(at, at + length);
        const input = { type: "uint8", data, shape: [1, side, side, 3] } as const;
        await session.run({ pixels: input }, ["features", "visual_tokens"]);
      }
      session.endProfiling();
    } finally {
      await session.dispose();
    }
    const [file = ""] = await readdir(folder);
    const runs = compressMilliseconds(await readFile(join(folder, file), "utf8"));
    const pictures = Array.from({ length: repeat + 1 }, (_, i) =>
      runs.slice(i * crops, (i + 1) * crops).reduce((sum, ms) => sum + ms, 0),
    );
    return { compress: runs.length === (repeat + 1) * crops ? pictures.slice(1) : [] };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The part of a profile that is read here. Times are microseconds. */
const eventsSchema = v.array(
  v.object({ cat: v.string(), name: v.string(), ts: v.number(), dur: v.number() }),
);

/**
 * Milliseconds from the first operator of the scope `pooling` to the end of the graph, for each run in a profile of
 * onnxruntime; none where a device computed the graph in one piece.
 */
export function compressMilliseconds(profile: string): number[] {
  const events = v.parse(eventsSchema, JSON.parse(profile));
  const nodes = events.filter((event) => event.cat === "Node");
  const times: number[] = [];
  for (const run of events) {
    if (run.name !== "SequentialExecutor::Execute") continue;
    const end = run.ts + run.dur;
    const start = nodes.find(
      (node) => node.name.startsWith("pooling/") && node.ts >= run.ts && node.ts < end,
    );
    if (start !== undefined) times.push((end - start.ts) / 1000);
  }
  return times;
}
