import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readGgufLayout } from "../formats/gguf/ggml.ts";
import { type Measured, medians, peersTable } from "./peers/measured.ts";
import { readTimings } from "./peers/mtmd.ts";
import { type Peer, PEERS } from "./peers/shapes.ts";
import { writePeer } from "./peers/write.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "flashsloth-peers-"));
});

afterAll(async () => rm(folder, { recursive: true }));

/** A peer with two layers and a short vocabulary, everything else as published. */
function small(peer: Peer): Peer {
  return {
    ...peer,
    language: { ...peer.language, layers: 2, vocabSize: 512 },
    vision: { ...peer.vision, layers: 1 },
  };
}

describe("the files of the peers", () => {
  it.each(Object.entries(PEERS))("%s: as ggml reads them", async (key, peer) => {
    const { width, intermediate, architecture, tied, biases } = peer.language;
    const files = await writePeer(folder, { key, peer: small(peer), question: "What is in this picture?" });
    const language = await readGgufLayout(files.language);
    const tensors = new Map(language.tensors.map((tensor) => [tensor.name, tensor]));
    expect(language.metadata.get("general.architecture")).toEqual({ type: "string", value: architecture });
    expect(tensors.get("output.weight") === undefined).toBe(tied);
    expect(tensors.get("blk.1.attn_q.bias") !== undefined).toBe(biases);
    expect(tensors.get("blk.0.ffn_down.weight")?.shape).toEqual([width, intermediate]);
    const whole = intermediate % 256 === 0;
    expect(tensors.get("blk.0.ffn_up.weight")?.type).toBe("Q4_K");
    expect(tensors.get("blk.1.ffn_down.weight")?.type).toBe(whole ? "Q6_K" : "Q8_0");
    const texts = language.metadata.get("tokenizer.ggml.tokens");
    const tokens = texts?.type === "array" && texts.of === "string" ? texts.values : [];
    expect(tokens).toHaveLength(512);
    expect(new Set(tokens).size).toBe(512);
    for (const token of ["What", "Ġpicture", ...peer.markers]) expect(tokens).toContain(token);

    const vision = await readGgufLayout(files.vision);
    const patch = vision.tensors.find(({ name }) => name === "v.patch_embd.weight");
    expect(patch).toMatchObject({ type: "F16", shape: [peer.vision.width, 3, 14, 14] });
    const last = vision.tensors.reduce(
      (end, { offset, byteLength }) => Math.max(end, offset + byteLength),
      0,
    );
    expect((await stat(files.vision)).size).toBeGreaterThanOrEqual(last);
  });

  it("have as many parameters as were published", () => {
    const billions = Object.values(PEERS).map(
      ({ language: { width, intermediate, layers, vocabSize, headsKv, heads, tied } }) => {
        const attention = 2 * width * width + (2 * width * width * headsKv) / heads;
        const embeddings = (tied ? 1 : 2) * vocabSize * width;
        return (layers * (attention + 3 * width * intermediate) + embeddings) / 1e9;
      },
    );
    // Qwen2-1.5B, InternLM2-1.8B, MiniCPM-2B (2.4 B without embeddings)
    expect(billions.map((value) => value.toFixed(2))).toEqual(["1.54", "1.89", "2.72"]);
  });
});

const LOG = `
0.01.020 I decoding image batch 1/2, n_tokens_batch = 512
0.01.020 I image decoded (batch 1/2) in 9000 ms
0.01.021 I decoding image batch 2/2, n_tokens_batch = 487
0.00.900 I mtmd batch encoding done in 30123 ms
llama_perf_context_print:        load time =     900.00 ms
llama_perf_context_print: prompt eval time =   49123.50 ms /  1020 tokens (   18.63 ms per token,    53.68 tokens per second)
llama_perf_context_print:        eval time =     581.00 ms /     7 runs   (   83.00 ms per token,    12.05 tokens per second)
llama_perf_context_print:       total time =   20000.00 ms /  1027 tokens
`;

function run(firstToken: number, peakMemory: number): Measured {
  return { imageTokens: 81, vision: 4000, prefill: 4000, firstToken, token: 160, peakMemory };
}

describe("a peer's run", () => {
  it("says what took how long", () => {
    expect(readTimings(LOG)).toEqual({ imageTokens: 999, vision: 30123, prefill: 19000.5, token: 83 });
  });

  it("has said nothing where a line is missing", () => {
    expect(() => readTimings(LOG.replace("prompt eval", "other"))).toThrow(RangeError);
    expect(() => readTimings("")).toThrow(RangeError);
  });

  it("is one of several, of which medians count, and the most memory", () => {
    const ours = [run(9000, 3e9), run(20_000, 3.5e9), run(10_000, 3.1e9)];
    expect(medians(ours)).toMatchObject({ firstToken: 10_000, peakMemory: 3.5e9 });
    const rows = [
      { system: "ours", ours: true, runs: ours },
      { system: "theirs", ours: false, runs: [run(80_000, 3.2e9)] },
    ];
    expect(peersTable(rows).split("\n")).toEqual([
      "| system | image tokens | vision | prefill | first token | a token | peak memory | ours / it |",
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
      "| ours | 81 | 4.00 s | 4.00 s | 10.00 s | 160 ms | 3.50 GB |  |",
      "| theirs | 81 | 4.00 s | 4.00 s | 80.00 s | 160 ms | 3.20 GB | 0.125 |",
    ]);
  });
});
