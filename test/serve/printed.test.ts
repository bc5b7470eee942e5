import { copyFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../../src/cli/program.ts";
import { finished, Place, RED_CIRCLE } from "../cli/binary.ts";
import { blocksOf, commandsOf, pageText, ROOT } from "../pages/printed.ts";
import { serverFor } from "./served.ts";

const PAGE = "docs/serve.md";
const place = new Place();
const server = serverFor(place);

beforeAll(async () => copyFile(RED_CIRCLE, place.path("drawing.png")));

/** As it is printed, but for the server's address. */
function here(text: string): string {
  return text.replaceAll("http://127.0.0.1:8765", server.current.url);
}

describe("the page on serving", () => {
  const blocks = blocksOf(PAGE);

  it("asks from a shell", async () => {
    const commands = blocks.filter(({ kind }) => kind === "shell").flatMap(commandsOf);
    const curl = commands.filter((command) => command.includes("curl"));
    expect(curl).toHaveLength(1);
    const { status, stdout } = await place.bash(here(curl[0] ?? ""));
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ choices: [{ message: { content: "Red." } }] });
  });

  it("asks in JavaScript", async () => {
    const module = blocks.find(({ kind }) => kind === "module");
    const code = here(module?.text ?? "").replace('"drawing.png"', JSON.stringify(place.path("drawing.png")));
    const child = place.start(process.execPath, ["--input-type=module", "-e", code], { cwd: ROOT });
    expect(await finished(child)).toMatchObject({ status: 0, stdout: "Red." });
  });

  it("tells the command that is printed at the start", async () => {
    const [, command = ""] = /try: (curl .*)/.exec(server.current.log) ?? [];
    const { status, stdout } = await place.bash(`${command} -s`);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ data: [{ id: "demo" }] });
  });

  it("names every option, and no others", () => {
    const serve = createProgram({ print: () => {} }).commands.find((command) => command.name() === "serve");
    const options = (serve?.options ?? []).flatMap(({ long }) => long ?? []);
    const rows = pageText(PAGE).split("\n## Options\n")[1]?.split("\n## ")[0] ?? "";
    const told = [...rows.matchAll(/--[\w-]+/g)].map(([name]) => name).filter((name) => name !== "---");
    const named = new Set([...told.filter((name) => /^--[a-z]/.test(name)), "--model"]); // which is -m there
    expect([...named].toSorted()).toEqual(options.toSorted());
  });
});
