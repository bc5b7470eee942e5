import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { uncompressedGraph, writeUncompressedGraph } from "../../../src/convert/onnx/uncompressed.ts";
import { visionGraph, writeVisionGraph } from "../../../src/convert/onnx/write.ts";
import { openSession } from "../../../src/onnxruntime/open.ts";
import { noise, withDirectory } from "../../formats/onnx/run.ts";
import { relativeError } from "../../vision/error.ts";
import { Reference } from "./reference.ts";
import { TINY, TINY_CONFIG, tinyCheckpoint } from "./tiny.ts";

const patches = TINY_CONFIG.vision.grid ** 2;
const width = TINY.vision.hiddenSize;

describe("the graph without compression", () => {
  it("projects every feature, with the vision graph's weights", async () => {
    await withDirectory(async (directory) => {
      const checkpoint = tinyCheckpoint();
      const { data } = await writeVisionGraph({ checkpoint, directory });
      const weights = await readFile(join(directory, data));
      const vision = visionGraph({ checkpoint });
      const file = await writeUncompressedGraph({ vision, config: TINY_CONFIG, directory, data });
      expect(await readFile(join(directory, data))).toEqual(weights);
      expect((await stat(join(directory, file))).size).toBeLessThan(4096);

      const features = Float32Array.from(noise(7, patches * width));
      const session = await openSession({ path: join(directory, file), threads: 1 });
      const [tokens = new Float32Array()] = await session.run(
        { features: { type: "float32", data: features, shape: [1, patches, width] } },
        ["visual_tokens"],
      );
      await session.dispose();
      const rows = Array.from({ length: patches }, (_, i) => [
        ...features.subarray(i * width, (i + 1) * width),
      ]);
      const expected = await new Reference(tinyCheckpoint()).project(rows);
      expect(tokens).toHaveLength(patches * TINY.hiddenSize);
      expect(relativeError(tokens, expected.flat())).toBeLessThan(1e-5);
    });
  });

  it("refuses a graph that has no projector of its own", () => {
    const vision = visionGraph({ checkpoint: tinyCheckpoint() });
    const nodes = vision.nodes.filter(({ name }) => !name.startsWith("projector/"));
    expect(() => uncompressedGraph({ vision: { ...vision, nodes }, config: TINY_CONFIG })).toThrow(
      /cannot be taken out/,
    );
  });
});
