import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { samplePicture } from "../../src/bench/sample-picture.ts";
import { compressMilliseconds, profileVision } from "../../src/bench/vision-profile.ts";
import { readManifest } from "../../src/core/model/manifest.ts";
import { convertDemo } from "../demo/demo-model.ts";

function event(cat: string, name: string, ts: number, dur: number): object {
  return { cat, name, ts, dur, pid: 1, args: { op_name: "x" } };
}

describe("compressMilliseconds", () => {
  it("is from the first pooling operator to the end of its run", () => {
    const profile = [
      event("Session", "model_loading_uri", 0, 5),
      event("Node", "encoder/layer.0/Add_1_kernel_time", 1100, 700),
      event("Node", "pooling/Reshape_2_kernel_time", 2000, 1),
      event("Node", "projector/MatMul_3_kernel_time", 2500, 400),
      event("Session", "SequentialExecutor::Execute", 1000, 2000),
      event("Node", "pooling/Reshape_2_kernel_time", 6500, 1),
      event("Session", "SequentialExecutor::Execute", 5000, 2000),
    ];
    expect(compressMilliseconds(JSON.stringify(profile))).toEqual([1, 0.5]);
  });

  it("is nothing where a device took the graph in one piece", () => {
    const profile = [
      event("Node", "CoreML_123_kernel_time", 1100, 700),
      event("Session", "SequentialExecutor::Execute", 1000, 2000),
    ];
    expect(compressMilliseconds(JSON.stringify(profile))).toEqual([]);
  });
});

describe("profileVision", () => {
  let demo: Awaited<ReturnType<typeof convertDemo>>;
  beforeAll(async () => {
    demo = await convertDemo();
  });
  afterAll(async () => demo?.remove());

  it("tells the compression apart in onnxruntime's own profile", async () => {
    const { compress } = await profileVision({
      directory: demo.directory,
      manifest: await readManifest(demo.directory),
      picture: await samplePicture(),
      provider: "cpu",
      threads: 1,
      repeat: 3,
    });
    expect(compress).toHaveLength(3);
    for (const ms of compress) expect(ms).toBeGreaterThan(0);
  });
});
