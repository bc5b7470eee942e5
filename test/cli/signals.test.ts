import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { BINARY, DRAWINGS_FOLDER, finished, lines, Place, QUESTION, RED_CIRCLE, says } from "./binary.ts";

const place = new Place();
const ALL = [BINARY, "ask", "-m", "demo", "--json", DRAWINGS_FOLDER, "-q", QUESTION];
const PICTURES = 200;

beforeAll(async () => {
  await place.convertDemo();
});

describe("signals", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("the first %s finishes the record in hand", async (signal, expected) => {
    const child = place.start(process.execPath, ALL);
    const end = finished(child);
    await says(child.stdout, "\n");
    child.kill(signal);
    const { status, stdout, stderr } = await end;
    expect(status).toBe(expected);
    expect(stdout.endsWith("\n")).toBe(true);
    const records = lines(stdout).map((line) => JSON.parse(line) as object);
    expect(records.length).toBeGreaterThan(0);
    expect(records.length).toBeLessThan(PICTURES);
    for (const record of records) expect(record).toHaveProperty("answer");
    expect(stderr).toContain("finishing this answer; press Ctrl-C again to stop at once");
    expect(stderr).not.toContain("error:");
  });

  it("the second one stops at once, in the middle of an answer", async () => {
    const long = ["--temperature", "100", "--seed", "3", "--max-tokens", "100000"];
    const words = [BINARY, "ask", "-m", "demo", RED_CIRCLE, QUESTION, ...long];
    const child = place.start(process.execPath, words);
    const end = finished(child);
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGINT");
    await says(child.stderr, "press Ctrl-C again");
    child.kill("SIGINT");
    // died of the signal, which a shell calls 130; 134 would be an abort in a native library
    const { status, signal, stdout } = await end;
    expect({ status, signal }).toEqual({ status: null, signal: "SIGINT" });
    expect(stdout.endsWith("\n")).toBe(false);
  });

  it("stops at once while there is nothing to finish", async () => {
    const child = place.start(process.execPath, [BINARY, "ask", "-m", "demo", "-", QUESTION], {
      stdin: null,
    });
    const end = finished(child);
    // more than a pipe holds: it is written when the command has read of it, and waits for the rest
    const beginning = Buffer.alloc(1_000_000);
    beginning.set(await readFile(RED_CIRCLE));
    await new Promise((read) => child.stdin.write(beginning, read));
    child.kill("SIGINT");
    const tooLate = setTimeout(() => child.kill("SIGKILL"), 20_000);
    expect(await end).toMatchObject({ signal: "SIGINT", stdout: "" });
    clearTimeout(tooLate);
  });
});

describe("a closed pipe", () => {
  it("ends the run quietly and soon", async () => {
    const words = ALL.slice(1).map((word) => `'${word}'`);
    const { stdout, stderr } = await place.bash(
      `$flashsloth ${words.join(" ")} --quiet | head -1; echo "\${PIPESTATUS[0]}"`,
    );
    const [record, status, ...rest] = lines(stdout);
    expect(JSON.parse(record ?? "")).toHaveProperty("answer");
    expect({ status, rest, stderr }).toEqual({ status: "0", rest: [], stderr: "" });
  });

  it("is no failure of --help either", async () => {
    const { stdout, stderr } = await place.bash(`$flashsloth ask --help | true; echo "\${PIPESTATUS[0]}"`);
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
  });
});
