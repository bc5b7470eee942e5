import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AskRequest } from "../../src/cli/ask/request.ts";
import { runAsk } from "../../src/cli/ask.ts";
import { Interrupts } from "../../src/cli/terminal/interrupt.ts";
import { StreamOutput } from "../../src/cli/answers/output.ts";
import { Terminal } from "../../src/cli/terminal/terminal.ts";
import { FlashSlothError } from "../../src/core/errors.ts";
import { storePaths } from "../../src/store/home.ts";
import type { EngineOptions } from "../../src/engine/api.ts";
import { jobsOf, type Input } from "../pipeline/fake-engine.ts";

const REQUEST: AskRequest = {
  images: [],
  recursive: false,
  model: "demo",
  download: false,
  quant: undefined,
  visionPrecision: undefined,
  devices: { device: "cpu", verdicts: "/verdicts" },
  threads: 2,
  questions: ["Why?"],
  ask: {},
  timeoutMs: undefined,
  answers: {
    format: undefined,
    output: undefined,
    sidecar: undefined,
    resume: false,
    force: false,
    failFast: false,
  },
  bench: false,
  parallel: "auto",
  ordered: true,
  cacheBytes: undefined,
  shard: undefined,
};

const interrupts = new Interrupts();
let complaints = "";
beforeEach(() => {
  complaints = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    complaints += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  interrupts.dispose();
});

/** What an engine for these inputs is begun with. */
async function engineOptions(inputs: readonly Input[]): Promise<EngineOptions | undefined> {
  let begun: EngineOptions | undefined;
  const terminal = await Terminal.open({ stderr: process.stderr, quiet: true, color: false, env: {} });
  const run = runAsk(REQUEST, {
    terminal,
    interrupts,
    gatherPictures: async () => jobsOf(inputs, REQUEST.questions),
    openOutput: async () => new StreamOutput(new PassThrough()),
    resolveModel: async () => ({ name: "demo", directory: "/models/demo", demo: true }),
    beginEngine: (options) => {
      begun = options;
      throw new FlashSlothError("native", "no engine today");
    },
  });
  await run.catch(() => {});
  return begun;
}

const paths = storePaths();

describe("ask", () => {
  it("tells the engine how many pictures will come", async () => {
    const bad = { label: "bad", error: new FlashSlothError("image-not-found", "not there") };
    const pictures = ["a.png", "b.png", "c.png"].map((label) => ({ label, input: label }));
    expect(await engineOptions([...pictures, bad])).toEqual({
      directory: "/models/demo",
      device: "cpu",
      threads: 2,
      pictures: 3,
      parallel: "auto",
      promptCache: paths.prompts,
      verdicts: "/verdicts",
      pictureCache: { features: paths.features, prefixes: paths.prefixes, maxBytes: undefined },
    });
  });

  it("tells it of many where there may be more, and has it work on one question at a time for one", async () => {
    const pictures = Array.from({ length: 9 }, (_, index) => ({ label: `${index}`, input: `${index}` }));
    expect(await engineOptions(pictures)).toMatchObject({ pictures: 8, parallel: "auto" });
    expect(await engineOptions(pictures.slice(0, 1))).toMatchObject({ pictures: 1, parallel: 1 });
  });

  it("begins none where there is no picture", async () => {
    const bad = { label: "bad", error: new FlashSlothError("image-not-found", "not there") };
    expect(await engineOptions([bad])).toBeUndefined();
    expect(complaints).toBe("error: bad: not there\n");
  });
});
