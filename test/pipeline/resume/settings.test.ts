import { describe, expect, it } from "vitest";
import type { Manifest } from "../../../src/core/model/manifest.ts";
import { differences, keyOf, settingsFor, settingsOf } from "../../../src/pipeline/resume/settings.ts";

const FILE = { name: "language.gguf", size: 1, sha256: "a".repeat(64) };
const MANIFEST: Pick<Manifest, "name" | "source" | "quant" | "files" | "vision"> = {
  name: "demo",
  source: { repo: "owner/sloth", revision: "abc" },
  quant: "q4_k_m",
  files: [FILE],
};

describe("the settings of a run", () => {
  it("are what changes answers, and nothing that is not set", () => {
    expect(settingsOf(MANIFEST, {})).toEqual({
      model: "demo",
      revision: "abc",
      quant: "q4_k_m",
      vision: "fp32",
      max_tokens: 512,
    });
    // a seed changes nothing unless there is sampling
    expect(settingsOf(MANIFEST, { seed: 3 })).toEqual(settingsOf(MANIFEST, {}));
    expect(settingsOf(MANIFEST, { temperature: 0.5, seed: 3, embq: false })).toMatchObject({
      temperature: 0.5,
      top_p: 1,
      seed: 3,
      embq: false,
    });
    const vision = { precision: "int8", featureError: 0.1, tokenError: 0.1 } as const;
    expect(settingsOf({ ...MANIFEST, vision }, {})).toMatchObject({ vision: "int8" });
    const plan = { pictures: 6, calibration: "made", int8: 1, exact: [], apartInputs: 0 } as const;
    const mixed = (budget: number): string =>
      settingsOf({ ...MANIFEST, vision: { ...vision, precision: "mixed", mixed: { ...plan, budget } } }, {})
        .vision;
    expect([mixed(0.03), mixed(0.01)]).toEqual(["mixed", "mixed within 0.01"]);
  });

  it("tell schemas, choices and the files of a model without a revision apart", () => {
    const schema = (name: string): unknown =>
      settingsOf(MANIFEST, { constraint: { kind: "schema", schema: { [name]: 1 } } }).schema;
    expect(schema("a")).not.toBe(schema("b"));
    const choices = settingsOf(MANIFEST, {
      constraint: { kind: "choices", texts: ["yes", "no"], spellings: "exact", normalize: "bytes" },
    });
    expect(choices).toMatchObject({ choices: ["yes", "no"], normalize: "bytes", exact_choices: true });
    const folder = (sha256: string): string =>
      settingsOf(
        { ...MANIFEST, source: { repo: "/sloth", revision: null }, files: [{ ...FILE, sha256 }] },
        {},
      ).revision;
    expect(folder("b".repeat(64))).not.toBe(folder("c".repeat(64)));
  });

  it("are compared part by part, but for what single questions have of their own", () => {
    const settings = settingsOf(MANIFEST, {});
    expect(differences(settings, settingsOf(MANIFEST, {}))).toEqual([]);
    expect(differences(settingsFor(settings, { text: "q", ask: { maxTokens: 3 } }), settings)).toEqual([]);
    expect(differences(settings, settingsOf(MANIFEST, { embq: false, maxTokens: 9 }))).toEqual([
      "max_tokens: 512 there, 9 here",
      "embq: not set there, false here",
    ]);
  });
});

describe("an answer's key", () => {
  it("changes with the bytes, the question and the settings, and with nothing else", () => {
    const settings = settingsOf(MANIFEST, {});
    const key = keyOf("bytes", "q", settings);
    expect(key).toMatch(/^[0-9a-f]{24}$/);
    expect(keyOf("bytes", "q", JSON.parse(JSON.stringify(settings)) as typeof settings)).toBe(key);
    const others = [
      keyOf("other", "q", settings),
      keyOf("bytes", "r", settings),
      keyOf("bytes", "q", settingsOf(MANIFEST, { maxTokens: 3 })),
    ];
    expect(new Set([key, ...others]).size).toBe(4);
  });
});
