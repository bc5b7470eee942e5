import { describe, expect, it } from "vitest";
import { Prompt, pictureKey } from "../../src/engine/prompt.ts";

const WIDTH = 2;
const QUERIES = 9;

function row(id: number): number[] {
  return [id, id + 0.5];
}

/** A prompt of made-up tokens: 30 of the system's, the picture, `words` of the question, 9 queries, 4 of the assistant's. */
function prompt({ words = 10, visual = 81, picture = 1, embq = true } = {}): Prompt {
  return new Prompt({
    language: {
      embed: (ids) => Float32Array.from(ids.flatMap((id) => row(id))),
      queries: new Float32Array(QUERIES * WIDTH).fill(-1),
    },
    geometry: { hiddenSize: WIDTH, queries: QUERIES },
    tokens: {
      system: Array.from({ length: 30 }, (_, i) => i),
      turns: [
        {
          question: Array.from({ length: words }, (_, i) => 100 + i),
          lead: 1,
          assistant: [200, 201, 202, 203],
        },
      ],
    },
    picture,
    visualTokens: new Float32Array(visual * WIDTH).fill(7),
    embq,
  });
}

describe("Prompt", () => {
  it("has a key and a row for every position", () => {
    const p = prompt();
    expect(p.length).toBe(30 + 81 + 10 + 9 + 4);
    expect([...p.keys.subarray(28, 32)]).toEqual([28, 29, pictureKey(1), pictureKey(1)]);
    const whole = p.rows(0, p.length);
    expect(whole).toHaveLength(p.length * WIDTH);
    expect([...whole.subarray(29 * WIDTH, 31 * WIDTH)]).toEqual([29, 29.5, 7, 7]);
    expect([...whole.subarray(-2)]).toEqual([203, 203.5]);
    for (let from = 0; from < p.length; from += 13) {
      for (let to = from + 1; to <= p.length; to += 17) {
        expect(p.rows(from, to)).toEqual(whole.slice(from * WIDTH, to * WIDTH));
      }
    }
  });

  it("tells pictures apart, and queries with EmbQ from those without", () => {
    expect(prompt({ picture: 2 }).keys).not.toEqual(prompt({ picture: 1 }).keys);
    expect(prompt({ embq: false }).keys).not.toEqual(prompt().keys);
    const all = new Set([...prompt({ picture: 1 }).keys, ...prompt({ picture: 2, embq: false }).keys]);
    expect(all.size).toBe(30 + 10 + 4 + 2 + 2);
  });

  it("is one graph where everything fits", () => {
    expect(prompt().graphEnd(0, 512)).toBe(prompt().length);
    expect(prompt().graphEnd(0, prompt().length)).toBe(prompt().length);
  });

  it("never cuts through the queries", () => {
    for (const budget of [9, 13, 14, 64, 100]) {
      for (let words = 2; words < 300; words += 7) {
        const p = prompt({ words });
        const [group] = p.groups;
        if (group === undefined) throw new Error("no queries");
        let graphs = 0;
        for (let from = 0; from < p.length; graphs++) {
          const to = p.graphEnd(from, budget);
          expect(to).toBeGreaterThan(from);
          expect(to - from).toBeLessThanOrEqual(budget);
          expect(to <= group.queriesFrom || to >= group.queriesTo).toBe(true);
          from = to;
        }
        expect(graphs).toBeLessThanOrEqual(Math.ceil(p.length / budget) + 1);
      }
    }
    const p = prompt();
    const at = p.groups[0]?.queriesFrom ?? 0;
    expect(p.graphEnd(at, 8)).toBe(at); // not even the queries fit: nothing does
  });

  it("keeps of a held beginning what the queries do not need, and computes at least one position", () => {
    const p = prompt();
    const { textFrom = 0, queriesTo = 0 } = p.groups[0] ?? {};
    expect(textFrom).toBe(30 + 81 + 1);
    expect(p.reusable(0)).toBe(0);
    expect(p.reusable(50)).toBe(50);
    expect(p.reusable(textFrom)).toBe(textFrom);
    expect(p.reusable(textFrom + 5)).toBe(textFrom);
    expect(p.reusable(queriesTo - 1)).toBe(textFrom);
    expect(p.reusable(queriesTo)).toBe(queriesTo);
    expect(p.reusable(p.length)).toBe(p.length - 1);
  });
});
