import { beforeAll, describe, expect, it } from "vitest";
import { wantsColor } from "../../../src/cli/terminal/terminal.ts";
import { drawing, Place, QUESTION, RED_CIRCLE, type RunOptions } from "../binary.ts";

const place = new Place();
const ESCAPE = "\u001b";
const COLOR = `${ESCAPE}[3`;
/** A sequence of the terminal's own. */
const SEQUENCE = new RegExp(`^${ESCAPE}\\[[\\d?;]*[A-Za-z]`);
const HIDE_CURSOR = `${ESCAPE}[?25l`;
const SHOW_CURSOR = `${ESCAPE}[?25h`;

/** Runs the binary on a terminal of its own; what it says on stdout and stderr comes out together. */
async function onTerminal(
  words: readonly string[],
  { columns = 100, reader = "", ...options }: RunOptions & { columns?: number; reader?: string } = {},
): Promise<string> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const line = `stty cols ${columns}; $flashsloth ${quoted}${reader}`;
  const { stdout } = await place.bash(`script -qec "${line}" /dev/null`, options);
  return stdout.replaceAll("\r\n", "\n");
}

beforeAll(async () => {
  await place.convertDemo();
});

describe("on a terminal", () => {
  const words = ["ask", "-m", "demo", RED_CIRCLE, "-q", QUESTION];

  it("shows what it is doing, clears it away, and prints the answer", async () => {
    const shown = await onTerminal(words);
    expect(shown).toContain("loading demo");
    expect(shown).toContain(HIDE_CURSOR);
    expect(shown.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(shown.lastIndexOf(HIDE_CURSOR));
    expect(shown).toContain("Red.\n");
  });

  it("animates nothing when quiet, on a dumb terminal, or on one without a width", async () => {
    expect(await onTerminal([...words, "--quiet"])).toBe("Red.\n");
    expect(await onTerminal(words, { env: { TERM: "dumb" } })).not.toContain(ESCAPE);
    expect(await onTerminal(words, { columns: 0 })).toMatch(/else\nRed\.\n$/);
  });

  it("shows how far a run is, and takes it away for each answer and in the end", async () => {
    const pictures = [RED_CIRCLE, drawing("086.png"), drawing("190.png")];
    const shown = await onTerminal(["ask", "-m", "demo", ...pictures, "-q", QUESTION]);
    expect(shown).toContain("[------");
    expect(shown).toMatch(/\[#+-+\] [12] of 3/);
    // what is left on the screen: each line as it stands when nothing more is written over it
    const left = shown
      .split("\n")
      .map((line) => line.slice(line.lastIndexOf(`${ESCAPE}[`)).replace(SEQUENCE, ""));
    expect(left.filter((line) => line.includes(": ")).map((line) => line.split(": ")[1])).toEqual([
      "Red.",
      "Blue.",
      "Purple.",
    ]);
    expect(shown).toMatch(/3 answered, 0 failed, 0 skipped; [\d.]+ pictures a second\n/);
  });

  it("animates nothing while somebody else writes to it: whoever reads the answers from a pipe", async () => {
    const pictures = [RED_CIRCLE, drawing("086.png"), drawing("190.png")];
    const shown = await onTerminal(["ask", "-m", "demo", ...pictures, "-q", QUESTION], {
      reader: " | head -4",
    });
    expect(shown).not.toContain(ESCAPE);
    expect(shown).toContain(`\n${RED_CIRCLE}: Red.\n`);
    expect(shown).toContain("3 answered, 0 failed");
  });

  it("colours messages unless told not to", async () => {
    const wrong = ["ask", "-m", "demo", "nosuch.png", "-q", "why"];
    expect(await onTerminal(wrong)).toContain(COLOR);
    expect(await onTerminal([...wrong, "--no-color"])).not.toContain(COLOR);
    expect(await onTerminal(wrong, { env: { NO_COLOR: "1" } })).not.toContain(COLOR);
    expect(await onTerminal(["ask", "--no-color"])).not.toContain(COLOR);
  });
});

describe("where stderr is no terminal", () => {
  it("animates and colours nothing", async () => {
    const { stderr } = await place.run(["ask", "-m", "demo", RED_CIRCLE, drawing("086.png"), QUESTION]);
    expect(stderr).toMatch(
      /^the demo model knows drawings of coloured shapes and nothing else\n2 answered, [^\n]+ a second\n$/,
    );
  });

  it("colours when FORCE_COLOR asks for it", async () => {
    const env = { FORCE_COLOR: "1" };
    const { stderr } = await place.run(["ask", "nosuch.png"], { env });
    expect(stderr).toContain(`${ESCAPE}[31merror:`);
  });
});

describe("wantsColor", () => {
  it("listens to --no-color, then FORCE_COLOR, then NO_COLOR, then the terminal", () => {
    expect(wantsColor({ color: false, env: { FORCE_COLOR: "1" } }, true)).toBe(false);
    expect(wantsColor({ color: true, env: { FORCE_COLOR: "1", NO_COLOR: "1" } }, false)).toBe(true);
    expect(wantsColor({ color: true, env: { FORCE_COLOR: "0" } }, true)).toBe(false);
    expect(wantsColor({ color: true, env: { NO_COLOR: "1" } }, true)).toBe(false);
    expect(wantsColor({ color: true, env: { NO_COLOR: "" } }, true)).toBe(true);
    expect(wantsColor({ color: true, env: { TERM: "dumb" } }, true)).toBe(false);
    expect(wantsColor({ color: true, env: {} }, false)).toBe(false);
  });
});
