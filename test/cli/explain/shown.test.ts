import { beforeAll, describe, expect, it } from "vitest";
import sharp from "sharp";
import { BINARY, Place, QUESTION, drawing, finished, says } from "../binary.ts";

const place = new Place();
const ESCAPE = "\u001b";
const CROSS = drawing("093.webp");
/** What a terminal is asked last. */
const DEVICE_ATTRIBUTES = `${ESCAPE}[c`;
const WORDS = ["ask", "-m", "demo", "--quiet", CROSS, "What colour is the cross?", "--explain", "-"];

beforeAll(async () => {
  await place.convertDemo();
});

/** A picture's chunk: its keys and its base64. */
const KITTY = new RegExp(`${ESCAPE}_G([^;]*);([^${ESCAPE}]*)${ESCAPE}\\\\`, "g");
const SIXEL = new RegExp(`${ESCAPE}P[\\d;]*q"1;1;`);
const ITERM = /\]1337;File=inline=1;size=(\d+):([A-Za-z\d+/=]*)/;

interface OnTerminal {
  readonly env?: Record<string, string>;
  /** what the terminal says when it is asked. @default nothing */
  readonly reply?: string;
}

/** Runs the binary on a terminal of its own, which answers when it is asked what it is. */
async function onTerminal(words: readonly string[], { env = {}, reply }: OnTerminal = {}): Promise<string> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const line = `script -qec "stty cols 100; $flashsloth ${quoted}" /dev/null`;
  const flashsloth = `${process.execPath} ${BINARY}`;
  const child = place.start("bash", ["-c", line], { stdin: null, env: { flashsloth, ...env } });
  if (reply !== undefined) {
    void says(child.stdout, DEVICE_ATTRIBUTES).then(() => child.stdin.write(reply));
  }
  const { stdout } = await finished(child);
  return stdout.replaceAll("\r\n", "\n");
}

describe("a map on the terminal", () => {
  it("is of plain shades without colours, the cross in them where it is", async () => {
    const shown = await onTerminal(WORDS, { env: { NO_COLOR: "1" } });
    expect(shown).not.toContain(ESCAPE);
    const rows = shown.split("\n");
    expect(rows[0]).toBe("Gray.");
    const map = rows.slice(1, 19);
    expect(
      map.every((row) => /^[·░▒▓█ ]{36}$/.test(row)),
      shown,
    ).toBe(true);
    const strong = map.flatMap((row, y) =>
      Array.from(row).flatMap((character, x) => (character === "█" ? [[x, y]] : [])),
    );
    expect(strong.length).toBeGreaterThan(0);
    // the cross is a little below the middle, near the right edge
    for (const [x = 0, y = 0] of strong) {
      expect(x).toBeGreaterThan(24);
      expect(y).toBeGreaterThan(4);
      expect(y).toBeLessThan(12);
    }
    expect(shown).toContain(
      "EmbQ attention, mean of 9 queries\nentropy 5.65 of 6.34 bits; top 5 of 81 patches: 34 %\n",
    );
    expect(shown).toContain("█ from 8 times an even share\n");
  });

  it("is of half blocks with colours where nobody answers, and says so after a moment", async () => {
    const shown = await onTerminal(WORDS);
    expect(shown).toContain(DEVICE_ATTRIBUTES);
    expect(shown).toContain("▀");
    expect(shown).toMatch(new RegExp(`${ESCAPE}\\[38;5;\\d+m`));
    expect(await onTerminal(WORDS, { env: { COLORTERM: "truecolor" } })).toContain(`${ESCAPE}[38;2;`);
  });

  it("is a picture by kitty's protocol where the terminal answers that it has it", async () => {
    const reply = `${ESCAPE}_Gi=31;OK${ESCAPE}\\${ESCAPE}[?62c`;
    for (const options of [{ reply }, { env: { TERM: "xterm-kitty" } }]) {
      const shown = await onTerminal(WORDS, options);
      expect(shown).not.toContain("▀");
      const chunks = [...shown.matchAll(KITTY)].filter(([, keys = ""]) => !keys.includes("a=q"));
      const sizes = chunks.map(([, , data = ""]) => data.length);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(4096);
      expect(chunks[0]?.[1]).toContain("a=T,f=100");
      expect(chunks.at(-1)?.[1]).toContain("m=0");
      const png = Buffer.from(chunks.map(([, , data]) => data).join(""), "base64");
      expect(await sharp(png).metadata()).toMatchObject({ format: "png", height: 558 });
      expect(shown.startsWith("Gray.\n") || shown.includes("\nGray.\n") || shown.includes("Gray.")).toBe(
        true,
      );
    }
  });

  it("is of sixels where the terminal says that it draws them, and of blocks where it does not", async () => {
    const sixel = await onTerminal(WORDS, { reply: `${ESCAPE}[?62;4;22c` });
    expect(SIXEL.test(sixel), sixel.slice(0, 200)).toBe(true);
    expect(sixel.includes("▀")).toBe(false);
    const none = await onTerminal(WORDS, { reply: `${ESCAPE}[?64;22c` });
    expect(none).toContain("▀");
    expect(none).not.toContain(`${ESCAPE}P`);
  });

  it("is a picture as iTerm2 has it there", async () => {
    const shown = await onTerminal(WORDS, { env: { TERM_PROGRAM: "iTerm.app" } });
    const [, size = "", data = ""] = ITERM.exec(shown) ?? [];
    const png = Buffer.from(data, "base64");
    expect(png).toHaveLength(Number(size));
    expect(await sharp(png).metadata()).toMatchObject({ format: "png" });
  });

  it("says of several whose it is, and goes to stderr alone", async () => {
    const pictures = [drawing("023.png"), CROSS];
    const words = ["ask", "-m", "demo", "--quiet", ...pictures, "-q", QUESTION, "--explain", "-"];
    const { stdout, stderr } = await place.run(words);
    expect(stdout).toBe(pictures.map((path) => `${path}: Red.\n`).join(""));
    for (const path of pictures) expect(stderr).toContain(`${path}\n`);
    expect(stderr).not.toContain(ESCAPE);
    expect(stderr.match(/EmbQ attention/g)).toHaveLength(2);
  });
});
