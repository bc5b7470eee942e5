import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LookupNames } from "../../src/addresses/policy.ts";
import { LoopbackServer } from "../addresses/server.ts";
import { png } from "../image/make.ts";
import { FakeEngine, PREPARED } from "../pipeline/fake-engine.ts";
import { JSON_TYPE, send, started, type Started } from "./in-process.ts";

const PNG = Buffer.from(png({ width: 1, height: 1, depth: 8, colour: 0 }, Uint8Array.of(0, 9)));

/** What stands for the public internet: this machine by the address 127.0.0.1. */
const site = new LoopbackServer((request, response) => {
  const [, to] = /^\/to\?(.*)$/.exec(request.url ?? "") ?? [];
  if (to !== undefined) response.writeHead(302, { location: decodeURIComponent(to) }).end();
  else if (request.url === "/endless.png") response.write(PNG.subarray(0, 40));
  else if (request.url === "/large.png") response.end(Buffer.concat([PNG, Buffer.alloc(100_000)]));
  else response.end(PNG);
});

/** What stands for a private network: 127.0.0.2 on the same port. It must never hear of anything. */
let inside: Server;
let heard = 0;
beforeAll(async () => {
  inside = createServer((_, response) => response.end(PNG)).on("connection", () => heard++);
  const { port } = new URL(site.origin);
  await new Promise<void>((listening) => void inside.listen(Number(port), "127.0.0.2", listening));
});
afterAll(() => inside.close());

function isSite(address: string): boolean {
  return address === "127.0.0.1";
}

const port = (): string => new URL(site.origin).port;

interface Asked {
  readonly status: number;
  readonly error: { readonly code: string; readonly message: string; readonly param: string } | undefined;
  /** what the engine was given to decode */
  readonly decoded: readonly unknown[];
}

/** Asks a server about a picture by its address. @param lookup gives the addresses of names, of which 127.0.0.1 is public */
async function ask(
  url: string,
  lookup: LookupNames,
  options: Parameters<typeof started>[0] = {},
): Promise<Asked> {
  const decoded: unknown[] = [];
  const engine = new FakeEngine({
    preparePicture: async (input) => {
      decoded.push(input);
      return PREPARED;
    },
  });
  const server: Started = await started({
    engine,
    remoteImages: true,
    remote: { allowAddress: isSite, lookup },
    ...options,
  });
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url } },
  ];
  const body = JSON.stringify({ messages: [{ role: "user", content }] });
  const { status, text } = await send(`${server.url}/v1/chat/completions`, { headers: JSON_TYPE, body });
  return { status, decoded, ...(JSON.parse(text) as Pick<Asked, "error">) };
}

/** Names lead to these addresses, in turn. */
function leadingTo(...turns: readonly (readonly string[])[]): LookupNames & { calls: number } {
  const lookup: LookupNames & { calls: number } = Object.assign(
    ((_name, _options, callback) => {
      const addresses = turns[Math.min(lookup.calls++, turns.length - 1)] ?? [];
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    }) satisfies LookupNames,
    { calls: 0 },
  );
  return lookup;
}

describe("a picture by its address", () => {
  it("is not fetched unless the server was told to", async () => {
    const { status, error } = await ask(`${site.origin}/a.png`, leadingTo(["127.0.0.1"]), {
      remoteImages: false,
    });
    expect(status).toBe(400);
    expect(error).toMatchObject({ code: "usage", param: "messages[0].content[1].image_url" });
    expect(error?.message).toContain("--allow-remote-images");
  });

  it("is fetched from public addresses, by name too, and after a redirect", async () => {
    for (const address of ["a.png", `to?${encodeURIComponent("/a.png")}`]) {
      const { status, decoded } = await ask(
        `http://cats.example:${port()}/${address}`,
        leadingTo(["127.0.0.1"]),
      );
      expect(status).toBe(200);
      expect(decoded).toEqual([new Uint8Array(PNG)]);
    }
  });

  it.each([
    "file:///etc/passwd",
    "FILE:///etc/passwd",
    "/etc/passwd",
    "ftp://cats.example/a.png",
    "gopher://127.0.0.1:70/",
    "//cats.example/a.png",
    "javascript:alert(1)",
    "blob:http://cats.example/1",
  ])("is nothing but http(s) or data: %s", async (url) => {
    const { status, decoded, error } = await ask(url, leadingTo(["127.0.0.1"]));
    expect({ status, decoded }).toEqual({ status: 400, decoded: [] });
    expect(error).toMatchObject({ code: "usage" });
  });

  it.each([
    "127.0.0.2",
    "2130706434",
    "0x7f000002",
    "0177.0.0.2",
    "127.2",
    "[::ffff:127.0.0.2]",
    "[::ffff:7f00:2]",
  ])("is not fetched from a private address, however it is written: %s", async (host) => {
    const before = heard;
    const direct = await ask(`http://${host}:${port()}/a.png`, leadingTo(["127.0.0.1"]));
    const to = encodeURIComponent(`http://${host}:${port()}/a.png`);
    const redirected = await ask(`http://cats.example:${port()}/to?${to}`, leadingTo(["127.0.0.1"]));
    for (const { status, decoded, error } of [direct, redirected]) {
      expect({ status, decoded }).toEqual({ status: 400, decoded: [] });
      expect(error).toMatchObject({ code: "image-unreadable" });
    }
    expect(heard).toBe(before);
  });

  it.each([
    ["a name of it", ["127.0.0.2"]],
    ["a mapped form", ["::ffff:127.0.0.2"]],
    ["nothing else", ["::1", "10.0.0.1"]],
  ])("is not fetched by a name that leads to a private address: %s", async (_what, addresses) => {
    const before = heard;
    const direct = await ask(`http://rebind.example:${port()}/a.png`, leadingTo(addresses));
    expect(direct).toMatchObject({ status: 400, decoded: [], error: { code: "image-unreadable" } });
    const to = encodeURIComponent(`http://rebind.example:${port()}/a.png`);
    const redirected = await ask(`${site.origin}/to?${to}`, leadingTo(addresses));
    expect(redirected).toMatchObject({ status: 400, decoded: [], error: { code: "image-unreadable" } });
    expect(heard).toBe(before);
  });

  it("is fetched from the address that was checked, whatever the name leads to a moment later", async () => {
    const before = heard;
    const lookup = leadingTo(["127.0.0.1"], ["127.0.0.2"]);
    const { status, decoded } = await ask(`http://rebind.example:${port()}/a.png`, lookup);
    expect(status).toBe(200);
    expect(decoded).toEqual([new Uint8Array(PNG)]);
    expect(lookup.calls).toBe(1); // there is no second look between the check and the connection
    // of several addresses only those that are allowed are tried
    const several = await ask(`http://mixed.example:${port()}/a.png`, leadingTo(["127.0.0.2", "127.0.0.1"]));
    expect(several.status).toBe(200);
    // a redirect is looked up, and checked, again
    const again = leadingTo(["127.0.0.1"], ["127.0.0.2"]);
    const to = encodeURIComponent(`http://other.example:${port()}/a.png`);
    const redirected = await ask(`http://rebind.example:${port()}/to?${to}`, again);
    expect(redirected).toMatchObject({ status: 400, error: { code: "image-unreadable" } });
    expect(again.calls).toBe(2);
    expect(heard).toBe(before);
  });

  it.each(["file:///etc/passwd", "https://127.0.0.1/", "gopher://127.0.0.1/"])(
    "does not come from another scheme after a redirect: %s",
    async (location) => {
      const to = encodeURIComponent(location);
      const { status, decoded, error } = await ask(`${site.origin}/to?${to}`, leadingTo(["127.0.0.1"]));
      expect({ status, decoded }).toEqual({ status: 400, decoded: [] });
      expect(error).toMatchObject({ code: "image-unreadable" });
    },
  );

  it("may be no larger than a request", async () => {
    const large = await ask(`${site.origin}/large.png`, leadingTo(["127.0.0.1"]), { maxBody: 50_000 });
    expect(large).toMatchObject({ status: 400, error: { code: "image-too-large" } });
  });

  it("may not take longer than its request, and is not waited for when its client has gone", async () => {
    const start = performance.now();
    const late = await ask(`${site.origin}/endless.png`, leadingTo(["127.0.0.1"]), { timeoutMs: 300 });
    expect(late).toMatchObject({ status: 503, error: { code: "timeout" } });
    expect(performance.now() - start).toBeLessThan(4000);
  });
});

/** What a name service says that somebody else answers for. */
const byName: LookupNames = (name, _options, callback) => {
  callback(null, [
    name === "localhost" ? { address: "127.0.0.1", family: 4 } : { address: "169.254.169.254", family: 4 },
  ]);
};

describe("a server that fetches, by the rule that it has by default", () => {
  it.each([
    "http://127.0.0.1/",
    "http://localhost/",
    "http://[::1]/",
    "http://0/",
    "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/",
    "http://[fd00:ec2::254]/",
    "http://10.1.2.3/",
    "http://192.168.0.1/",
    "http://172.16.0.1/",
    "http://100.64.0.1/",
    "http://[64:ff9b::10.0.0.1]/",
    "http://[2002:0a00:0001::]/",
    "http://[fe80::1]/",
  ])("refuses %s", async (url) => {
    const { status, decoded, error } = await ask(url, byName, { remote: { lookup: byName } });
    expect({ status, decoded }).toEqual({ status: 400, decoded: [] });
    expect(error).toMatchObject({ code: "image-unreadable" });
  });
});
