import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { beforeAll, describe, expect, it } from "vitest";
import {
  BINARY,
  DRAWINGS_FOLDER,
  finished,
  lines,
  Place,
  QUESTION,
  RED_CIRCLE,
  says,
} from "../cli/binary.ts";
import { blocksOf } from "../pages/printed.ts";
import { TestClient } from "./client.ts";

const place = new Place();
beforeAll(async () => place.convertDemo());

const INITIALIZE = {
  jsonrpc: "2.0",
  id: 0,
  method: "initialize",
  params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
};
const READY = { jsonrpc: "2.0", method: "notifications/initialized" };

function ask(id: number, path = RED_CIRCLE): object {
  const params = { name: "ask_about_picture", arguments: { path, question: QUESTION } };
  return { jsonrpc: "2.0", id, method: "tools/call", params };
}

function spoken(...messages: readonly (object | string)[]): string {
  return messages.map((each) => `${typeof each === "string" ? each : JSON.stringify(each)}\n`).join("");
}

const COMMAND = [BINARY, "mcp", "-m", "demo", "--root", DRAWINGS_FOLDER];

describe("the server's process", () => {
  it("answers all that was asked before its input ended, and says nothing else on standard output", async () => {
    const stdin = spoken(
      INITIALIZE,
      READY,
      "this is no JSON",
      '{"jsonrpc": "2.0"}',
      ask(1),
      ask(2, "absent.png"),
      {
        jsonrpc: "2.0",
        id: 3,
        method: "no/such/method",
      },
    );
    const { status, stdout, stderr } = await finished(place.start(process.execPath, COMMAND, { stdin }));
    const said = lines(stdout).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(said.every(({ jsonrpc }) => jsonrpc === "2.0")).toBe(true);
    expect(new Set(said.map(({ id }) => id))).toEqual(new Set([0, 1, 2, 3]));
    expect(said).toHaveLength(4);
    expect(said.find(({ id }) => id === 1)?.["result"]).toMatchObject({
      structuredContent: { answer: "Red." },
    });
    expect(said.find(({ id }) => id === 2)?.["result"]).toMatchObject({ isError: true });
    expect(said.find(({ id }) => id === 3)?.["error"]).toMatchObject({ code: -32601 });
    expect(stderr).toContain("the client said something odd");
    expect(status).toBe(0);
  });

  it("ends when its input ends before anything was said", async () => {
    const { status, stdout } = await finished(place.start(process.execPath, COMMAND, { stdin: "" }));
    expect([status, stdout]).toEqual([0, ""]);
  });

  it("ends at SIGTERM, also with a call in hand", async () => {
    const child = place.start(process.execPath, COMMAND, { stdin: null });
    const folder = { folder: DRAWINGS_FOLDER, what: "a red circle" };
    const search = {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "search_pictures", arguments: folder, _meta: { progressToken: 7 } },
    };
    const looking = says(child.stdout, "pictures looked at");
    const ended = finished(child);
    child.stdin.write(spoken(INITIALIZE, READY, search));
    await looking;
    child.kill("SIGTERM");
    const { status, stdout } = await ended;
    expect(status).toBe(0);
    expect(lines(stdout).some((line) => (JSON.parse(line) as { id?: number }).id === 1)).toBe(false);
  });

  it("is started by the configuration that the page prints", async () => {
    const texts = blocksOf("docs/mcp.md").map(({ text }) => text.trim());
    const printed = texts.find((text) => text.startsWith("{")) ?? "";
    const home = place.path("home");
    const { mcpServers } = JSON.parse(printed.replaceAll("/home/me", home)) as {
      mcpServers: { flashsloth: { command: string; args: string[] } };
    };
    const { command, args } = mcpServers.flashsloth;
    expect(texts[0]).toBe([command, ...args].join(" ").replace(home, "~"));
    await mkdir(place.path("home/Pictures"), { recursive: true });
    await mkdir(place.path("bin"));
    const program = `#!/bin/sh\nexec "${process.execPath}" "${BINARY}" "$@" -m demo\n`;
    await writeFile(place.path(`bin/${command}`), program, { mode: 0o755 });
    const env = place.environment({ PATH: `${place.path("bin")}:${process.env["PATH"]}` });
    const client = new Client({ name: "test", version: "1" });
    await client.connect(new StdioClientTransport({ command, args, env }));
    expect(client.getServerVersion()).toMatchObject({ name: "flashsloth" });
    expect(JSON.stringify(await client.listTools())).toContain(place.path("home/Pictures"));
    await client.close();
  });

  it("ends when the official client closes it", async () => {
    const client = await TestClient.open(place, ["--root", DRAWINGS_FOLDER]);
    const { pid } = client;
    await client.call("ask_about_picture", { path: "023.png", question: QUESTION });
    await client[Symbol.asyncDispose]();
    expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  });

  it("refuses a message without end", async () => {
    const child = place.start(process.execPath, COMMAND, { stdin: null });
    const ended = finished(child);
    const piece = "x".repeat(1024 * 1024);
    for (let written = 0; written <= 64; written++) child.stdin.write(piece);
    child.stdin.end("\n");
    const { status, stdout, stderr } = await ended;
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/error: a message is longer than 64 MiB\nhint: name large pictures by their path/);
  });

  it("takes a picture of many megabytes in one message", async () => {
    const png = await readFile(RED_CIRCLE);
    const large = Buffer.concat([png, Buffer.alloc(24_000_000)]); // what follows a PNG's end is not read
    await using client = await TestClient.open(place);
    const said = await client.call("ask_about_picture", {
      base64: large.toString("base64"),
      question: QUESTION,
    });
    expect(said.text).toBe("Red.");
  });

  it("opens no file without --root", async () => {
    await using client = await TestClient.open(place);
    const said = await client.call("ask_about_picture", { path: RED_CIRCLE, question: QUESTION });
    expect(said.text).toMatch(/^image-unreadable: .* is outside .*\nhint: none was given; .*--root DIR/);
    expect((await client.call("search_pictures", { folder: ".", what: "a dog" })).text).toMatch(
      /^image-unreadable/,
    );
  });

  it("fetches pictures with --allow-remote-images, and none from this machine or its network", async () => {
    let asked = 0;
    const local = createServer((_, response) => void (asked++, response.end())).listen(0, "127.0.0.1");
    await new Promise((listening) => local.once("listening", listening));
    const { port } = local.address() as AddressInfo;
    await using client = await TestClient.open(place, ["--allow-remote-images"]);
    const { tools } = await client.client.listTools();
    expect(tools[0]).toMatchObject({
      annotations: { openWorldHint: true },
      inputSchema: { properties: { url: {} } },
    });
    for (const host of ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", "10.0.0.1"]) {
      const url = `http://${host}:${port}/a.png`;
      const said = await client.call("ask_about_picture", { url, question: QUESTION });
      expect(said.text, url).toMatch(/^image-unreadable: pictures may not be fetched from/);
    }
    for (const url of ["file:///etc/passwd", "data:image/png;base64,AAAA", "http://", ""]) {
      const said = await client.call("ask_about_picture", { url, question: QUESTION });
      expect(said.text, url).toMatch(/^image-not-found: /);
    }
    expect(asked).toBe(0);
    local.close();
  });

  it("wants roots that are folders", async () => {
    const { status, stderr } = await place.run(["mcp", "--root", "absent"]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: --root absent: there is no such folder/);
  });

  it("says at a call that there is no model, and stays", async () => {
    await using client = await TestClient.open(place, ["-m", "flashsloth-3.2b", "--no-download"]);
    const base64 = (await readFile(RED_CIRCLE)).toString("base64");
    for (let again = 0; again < 2; again++) {
      const said = await client.call("ask_about_picture", { base64, question: QUESTION });
      expect(said.failed).toBe(true);
      expect(said.text).toMatch(
        /^model-missing: flashsloth-3.2b is not on this disk.*\nhint: .*flashsloth pull/,
      );
    }
    expect((await client.client.listTools()).tools).toHaveLength(3);
  });
});
