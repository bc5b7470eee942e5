import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { apiKeyOf, checkedOrigins } from "../../../src/cli/serve/access.ts";
import { Place } from "../binary.ts";

const place = new Place();

describe("the API key", () => {
  it("comes from an option, a file or the environment", async () => {
    const file = place.path("key");
    await writeFile(file, "in-a-file\n");
    const env = { FLASHSLOTH_API_KEY: "in-the-environment" };
    expect(await apiKeyOf({ apiKey: "given" }, env)).toBe("given");
    expect(await apiKeyOf({ apiKeyFile: file }, env)).toBe("in-a-file");
    expect(await apiKeyOf({}, env)).toBe("in-the-environment");
    expect(await apiKeyOf({}, {})).toBeUndefined();
    expect(await apiKeyOf({}, { FLASHSLOTH_API_KEY: "" })).toBeUndefined();
  });

  it("is refused where it cannot be one", async () => {
    const empty = place.path("empty");
    await writeFile(empty, "\n");
    for (const flags of [
      { apiKey: "a", apiKeyFile: empty },
      { apiKeyFile: empty },
      { apiKeyFile: place.path("none") },
      { apiKey: "two words" },
      { apiKey: "Schlüssel" },
    ]) {
      await expect(apiKeyOf(flags, {})).rejects.toMatchObject({ code: "usage" });
    }
  });
});

it("origins are written as browsers write them", () => {
  expect(checkedOrigins(["https://a.example", "http://b.example:8080"])).toHaveLength(2);
  expect(checkedOrigins()).toEqual([]);
  for (const origin of ["*", "a.example", "https://a.example/", "https://a.example/x", "null", ""]) {
    expect(() => checkedOrigins([origin]), origin).toThrow("is no origin");
  }
});

describe("flashsloth serve", () => {
  it.each([
    [["--host", "0.0.0.0"], /everybody who reaches this machine could use the server/],
    [["--host", "203.0.113.9", "--api-key", "k"], /this machine has no such address/],
    [["--port", "65536"], /from 0 to 65535/],
    [["--cors", "*"], /is no origin/],
    [["--max-pixels", "1T"], /expected pixels/],
    [["--api-key", "a b"], /no header carries/],
    [["-m", "no-such-model"], /no-such-model/],
  ])("with %j does not start, and says why", async (words, message) => {
    const { status, stdout, stderr } = await place.run(["serve", "-m", "demo", "--port", "0", ...words]);
    expect(stderr).toMatch(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
  });

  it("says which port is taken", async () => {
    const taken = createServer();
    await new Promise<void>((listening) => void taken.listen(0, "127.0.0.1", listening));
    const address = taken.address();
    const port = typeof address === "object" && address !== null ? String(address.port) : "";
    const { status, stderr } = await place.run(["serve", "-m", "demo", "--port", port]);
    taken.close();
    expect(status).toBe(2);
    expect(stderr).toContain("another program does already");
  });
});
