import { describe, expect, it } from "vitest";
import { isLoopback } from "../../src/serve/guard/hosts.ts";
import { chatBody, JSON_TYPE, PIXEL, send, spoken, started } from "./in-process.ts";

const KEY = "secret-of-this-server";
const ROUTES = ["/", "/health", "/metrics", "/v1/models", "/v1/models/fake", "/nothing"];

function code(text: string): unknown {
  return (JSON.parse(text) as { error?: { code?: unknown } }).error?.code;
}

describe("the name in Host", () => {
  it.each(["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.8.9.1", "me.localhost"])(
    "may be %s, with any port",
    async (name) => {
      const { url } = await started();
      const { port } = new URL(url);
      for (const host of [name, `${name}:${port}`]) {
        expect((await send(`${url}/health`, { headers: { host } })).status, host).toBe(200);
      }
    },
  );

  it.each([
    "evil.example", // DNS rebinding: a page's own name that was made to lead here
    "evil.example:80",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example#127.0.0.1",
    "127.0.0.1@evil.example",
    "192.168.0.1",
    "10.0.0.1:8765",
    "[::ffff:192.168.0.1]",
  ])("may not be %j, whatever is asked for", async (host) => {
    const { url } = await started();
    for (const route of ROUTES) {
      const { status, text } = await send(`${url}${route}`, { headers: { host } });
      expect(status === 403 ? code(text) : status, route).toBe(status === 403 ? "host_not_allowed" : 400);
    }
    const asked = await send(`${url}/v1/chat/completions`, {
      headers: { host, ...JSON_TYPE },
      body: chatBody(),
    });
    expect(asked.status).toBeGreaterThanOrEqual(400);
    expect(asked.status).toBeLessThan(404);
  });

  it("is looked at in a request's target too, and must be there", async () => {
    const { url } = await started();
    const { host } = new URL(url);
    const foreign = await spoken(url, (write) =>
      write(`GET http://evil.example/health HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
    );
    expect(foreign).toMatch(/^HTTP\/1\.1 403 /);
    expect(await spoken(url, (write) => write("GET /health HTTP/1.0\r\n\r\n"))).toMatch(/^HTTP\/1\.\d 400 /);
    for (const header of ["", "Host: \r\n", "Host: a b\r\n", "Host: [::1\r\n"]) {
      const heard = await spoken(url, (write) =>
        write(`GET /health HTTP/1.1\r\n${header}Connection: close\r\n\r\n`),
      );
      expect(heard, header).toMatch(/^HTTP\/1\.1 40[03] /);
    }
  });

  it("may be an address or a name that was allowed where others can reach the server", async () => {
    const { url } = await started({ host: "0.0.0.0", apiKey: KEY, allowedHosts: ["cats.example"] });
    const local = url.replace("0.0.0.0", "127.0.0.1");
    for (const host of ["127.0.0.1", "192.168.0.7:1", "[2001:db8::1]", "cats.example", "Cats.Example:443"]) {
      expect((await send(`${local}/health`, { headers: { host } })).status, host).toBe(200);
    }
    for (const host of ["evil.example", "dogs.cats.example"]) {
      expect((await send(`${local}/health`, { headers: { host } })).status, host).toBe(403);
    }
  });
});

describe("a page's origin", () => {
  it.each([
    "http://evil.example",
    "https://127.0.0.1.evil.example",
    "null",
    "http://127.0.0.1:1",
    "http://localhost",
  ])("%s is refused", async (origin) => {
    const { url } = await started();
    for (const route of ROUTES) {
      const { status, headers } = await send(`${url}${route}`, { headers: { origin } });
      expect(status, route).toBe(403);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
    const asked = { headers: { origin, ...JSON_TYPE }, body: chatBody() };
    expect((await send(`${url}/v1/chat/completions`, asked)).status).toBe(403);
  });

  it("may be the server's own, without or behind TLS", async () => {
    const { url } = await started({ allowedHosts: ["cats.example"] });
    expect((await send(`${url}/health`, { headers: { origin: url } })).status).toBe(200);
    const headers = { origin: "https://cats.example", host: "cats.example" };
    expect((await send(`${url}/health`, { headers })).status).toBe(200);
  });

  it("gets nothing that lets it read answers, unless it was named", async () => {
    const preflight = {
      method: "OPTIONS",
      headers: { origin: "http://evil.example", "access-control-request-method": "POST" },
    };
    const closed = await started();
    const refused = await send(`${closed.url}/v1/chat/completions`, preflight);
    expect(refused.status).toBe(403);
    expect(Object.keys(refused.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);
    const own = await send(`${closed.url}/v1/models`);
    expect(Object.keys(own.headers).filter((name) => name.startsWith("access-control"))).toEqual([]);

    const origin = "https://app.example";
    const open = await started({ origins: [origin], apiKey: KEY });
    const still = await send(`${open.url}/v1/chat/completions`, preflight);
    expect(still.status).toBe(403);
    const named = await send(`${open.url}/v1/chat/completions`, {
      method: "OPTIONS",
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
      },
    });
    expect(named).toMatchObject({
      status: 204,
      headers: {
        "access-control-allow-origin": origin,
        "access-control-allow-headers": "authorization,content-type",
      },
    });
    const unkeyed = await send(`${open.url}/v1/models`, { headers: { origin } });
    expect(unkeyed).toMatchObject({ status: 401, headers: { "access-control-allow-origin": origin } });
  });
});

describe("a wider bind than loopback", () => {
  it.each(["0.0.0.0", "::", "192.168.0.1", "cats.example"])("needs a key: %s", async (host) => {
    await expect(started({ host })).rejects.toMatchObject({
      code: "usage",
      hint: expect.stringContaining("key") as string,
    });
  });

  it.each(["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"])("is not %s", (host) => {
    expect(isLoopback(host)).toBe(true);
  });
});

describe("a body", () => {
  it("is refused by its length before it is read", async () => {
    const { url } = await started({ maxBody: 1000 });
    const heard = await spoken(url, (write) => {
      write("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n");
      write("Content-Type: application/json\r\nContent-Length: 1001\r\n\r\n{");
    });
    expect(heard).toMatch(/^HTTP\/1\.1 413 /);
    expect(heard).toContain("body_too_large");
  });

  it("is refused while it is read where it does not say how long it is", async () => {
    const { url } = await started({ maxBody: 1000 });
    let sent = 0;
    const heard = await spoken(url, (write) => {
      write("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n");
      write("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
      const timer = setInterval(() => {
        write(`64\r\n${" ".repeat(100)}\r\n`);
        if (++sent === 200) clearInterval(timer);
      }, 5);
    });
    expect(heard).toMatch(/^HTTP\/1\.1 413 /);
    expect(sent).toBeLessThan(200);
  });

  it("that never ends, and headers that never do, are given up", async () => {
    const patience = { headersMs: 300, requestMs: 700 };
    const server = await started({ patience, queue: 0 });
    const { url } = server;
    const headers = await spoken(url, (write) => {
      write("GET /health HTTP/1.1\r\n");
      const timer = setInterval(() => write("x-more: 1\r\n"), 50);
      setTimeout(() => clearInterval(timer), 5000);
    });
    expect(headers).toMatch(/^HTTP\/1\.1 408 /);
    const body = await spoken(url, (write) => {
      write("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n");
      write("Content-Type: application/json\r\nContent-Length: 900\r\n\r\n");
      const timer = setInterval(() => write(" "), 50);
      setTimeout(() => clearInterval(timer), 5000);
    });
    expect(body).toMatch(/^HTTP\/1\.1 408 |^$/);
    // its place is free again, and it was the only one
    const { status } = await send(`${url}/v1/chat/completions`, { headers: JSON_TYPE, body: chatBody() });
    expect(status).toBe(200);
    expect(server.open).toBe(0);
  });

  it.each([
    ["no JSON", "{", 400, "invalid_json"],
    ["nothing", "", 400, "invalid_json"],
    ["a list", "[]", 400, "invalid_json"],
    ["a number", "1", 400, "invalid_json"],
    ["no UTF-8", Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d), 400, "invalid_json"],
    [
      "a million lists in each other",
      `{"messages":${"[".repeat(1e6)}${"]".repeat(1e6)}}`,
      400,
      "invalid_json",
    ],
    ["objects in each other", `${'{"a":'.repeat(101)}1${"}".repeat(101)}`, 400, "invalid_json"],
    ["lists that never end", "[".repeat(1e6), 400, "invalid_json"],
    ["a field that prototypes have", chatBody({ constructor: 1 }), 400, "invalid_value"],
    ["a field like an inherited one", chatBody({ toString: "x" }), 400, "invalid_value"],
  ])("may be no %s", async (_what, body, status, expected) => {
    const { url } = await started();
    const reply = await send(`${url}/v1/chat/completions`, { headers: JSON_TYPE, body });
    expect(reply.status).toBe(status);
    expect(code(reply.text)).toBe(expected);
  });

  it("changes no prototype", async () => {
    const { url } = await started();
    const body = chatBody().replace("{", '{"__proto__":{"stream":true,"polluted":1},');
    const { status, text } = await send(`${url}/v1/chat/completions`, { headers: JSON_TYPE, body });
    expect(status).toBe(400);
    expect(JSON.parse(text)).toMatchObject({ error: { param: "__proto__" } });
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  });

  it("is JSON, and says so: a form of another site cannot send it", async () => {
    const { url } = await started();
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]) {
      const reply = await send(`${url}/v1/chat/completions`, {
        headers: { "content-type": type },
        body: chatBody(),
      });
      expect(reply.status, type).toBe(415);
    }
    const packed = { ...JSON_TYPE, "content-encoding": "gzip" };
    expect((await send(`${url}/v1/chat/completions`, { headers: packed, body: chatBody() })).status).toBe(
      415,
    );
    const charset = { "content-type": "application/json; charset=utf-8" };
    expect((await send(`${url}/v1/chat/completions`, { headers: charset, body: chatBody() })).status).toBe(
      200,
    );
  });
});

it("an answer says nothing of what went wrong inside, and the log nothing of what was asked", async () => {
  const { FakeEngine } = await import("../pipeline/fake-engine.ts");
  const engine = new FakeEngine({
    ask: async () => {
      throw new TypeError("/home/me/models is on fire");
    },
  });
  const server = await started({ engine });
  const { status, text } = await send(`${server.url}/v1/chat/completions`, {
    headers: JSON_TYPE,
    body: chatBody(),
  });
  expect(status).toBe(500);
  expect(text).not.toContain("fire");
  await new Promise((wait) => setTimeout(wait, 50));
  expect(server.log).toMatchObject([{ status: 500, code: "internal", route: "/v1/chat/completions" }]);
  expect(JSON.stringify(server.log)).not.toContain("What is this");
  expect(JSON.stringify(server.log)).not.toContain(PIXEL);
});
