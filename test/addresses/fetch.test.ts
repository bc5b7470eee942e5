import type { RequestListener } from "node:http";
import { afterAll, describe, expect, it } from "vitest";
import { PictureFetcher } from "../../src/addresses/fetch.ts";
import { png } from "../image/make.ts";
import { LoopbackServer } from "./server.ts";

const PNG = Buffer.from(png({ width: 1, height: 1, depth: 8, colour: 0 }, Uint8Array.of(0, 9)));
/** PNGs that go on and on, as far as their first bytes tell. */
const BEGINNING = Buffer.concat([PNG.subarray(0, 33), Buffer.alloc(5000)]);
const MAX_BYTES = 1_000_000;

const ANSWERS: Readonly<Record<string, RequestListener>> = {
  "/a.png": (_, response) => response.end(PNG),
  "/page": (_, response) => {
    response.writeHead(200, { "content-type": "image/png" });
    response.write(`<!doctype html><html>${" ".repeat(5000)}`); // and nothing more
  },
  "/empty": (_, response) => response.end(),
  "/moved": (_, response) => response.writeHead(302, { location: "/again" }).end(),
  "/again": (_, response) => response.writeHead(307, { location: "a.png" }).end(),
  "/circle": (_, response) => response.writeHead(301, { location: "/circle" }).end("round"),
  "/secure": (_, response) => response.writeHead(302, { location: "https://127.0.0.1/a.png" }).end(),
  "/file": (_, response) => response.writeHead(302, { location: "file:///etc/passwd" }).end(),
  "/nowhere": (_, response) => response.writeHead(302, { location: "http://[" }).end(),
  "/gone": (_, response) => response.writeHead(404).end("no"),
  "/closed": (_, response) => response.writeHead(403).end("no"),
  "/broken": (_, response) => response.writeHead(503).end("no"),
  "/endless": (_, response) => {
    response.write(BEGINNING);
    const more = Buffer.alloc(65_536);
    const send = (): void => {
      while (!response.destroyed && response.write(more));
      if (!response.destroyed) response.once("drain", send);
    };
    send();
  },
  "/drip": (_, response) => {
    response.write(BEGINNING);
    const timer = setInterval(() => response.write("."), 50);
    response.on("close", () => clearInterval(timer));
  },
  "/stall": (_, response) => void response.write(BEGINNING),
  "/silent": () => {},
  "/says-much": (_, response) => response.writeHead(200, { "content-length": 1e12 }).write(BEGINNING),
  "/says-more": (_, response) => {
    response.writeHead(200, { "content-length": PNG.byteLength + 100 }).write(PNG);
    setTimeout(() => response.destroy(), 50);
  },
  "/says-less": (_, response) => {
    response.socket?.end(`HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\n${PNG.toString("latin1")}`, "latin1");
  },
};

const server = new LoopbackServer((request, response) => ANSWERS[request.url ?? ""]?.(request, response));
const patience = { connectMs: 1000, stallMs: 1000, totalMs: 2500 };
const fetcher = new PictureFetcher({ maxBytes: MAX_BYTES, patience });
afterAll(async () => fetcher.close());

const never = new AbortController().signal;

async function get(path: string, from = fetcher): Promise<Uint8Array> {
  return from.fetch(`${server.origin}${path}`, never);
}

describe("PictureFetcher", () => {
  it("gives a picture's bytes, also behind a few redirects", async () => {
    expect(await get("/a.png")).toEqual(new Uint8Array(PNG));
    expect(await get("/moved")).toEqual(new Uint8Array(PNG));
  });

  it.each([
    ["/page", "image-invalid", /is not a picture: it looks like a web page/],
    ["/empty", "image-invalid", /is empty/],
    ["/circle", "network", /redirects without end/],
    ["/secure", "image-unreadable", /redirects to another scheme, https:/],
    ["/file", "image-unreadable", /redirects to another scheme, file:/],
    ["/nowhere", "image-unreadable", /redirects to something that is no address/],
    ["/gone", "image-not-found", /the server answers 404/],
    ["/closed", "image-unreadable", /the server answers 403/],
    ["/broken", "network", /the server answers 503/],
    ["/endless", "image-too-large", /has more than 1 MB/],
    ["/drip", "timeout", /was not there after 2\.5 s/],
    ["/stall", "network", /nothing arrived any more/],
    ["/silent", "network", /nothing arrived any more/],
    ["/says-much", "image-too-large", /has more than 1 MB/],
    ["/says-more", "network", /could not be fetched/],
  ])("fails for %s with %s", async (path, code, message) => {
    const error: unknown = await get(path).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string });
    expect(error).toMatchObject({ message: expect.stringContaining(`${server.origin}${path}`) as string });
  });

  it("takes no more of an answer than it says it has, or fails", async () => {
    const bytes = await get("/says-less").catch((reason: unknown) => reason);
    if (bytes instanceof Uint8Array) expect(bytes).toEqual(new Uint8Array(PNG.subarray(0, 40)));
    else expect(bytes).toMatchObject({ code: "network" });
  });

  it("asks a few times and no more of a server that redirects in circles", async () => {
    server.requests.length = 0;
    await get("/circle").catch(() => {});
    expect(server.requests).toHaveLength(6);
  });

  it("does not reach what is not there", async () => {
    const failed = fetcher.fetch("http://127.0.0.1:1/a.png", never);
    await expect(failed).rejects.toMatchObject({ code: "network" });
    await expect(fetcher.fetch("http://", never)).rejects.toMatchObject({ code: "image-not-found" });
    const unknown = fetcher.fetch("http://no-such-host.invalid/a.png", never);
    await expect(unknown).rejects.toMatchObject({ code: "network" });
  });

  it("stops at once when told to, and leaves no connection behind", async () => {
    const own = new PictureFetcher({ patience });
    const stop = new AbortController();
    const fetched = own.fetch(`${server.origin}/drip`, stop.signal);
    setTimeout(() => stop.abort(), 100);
    await expect(fetched).rejects.toMatchObject({ code: "interrupted" });
    await own.close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([...server.sockets].filter((socket) => !socket.destroyed).length).toBeLessThanOrEqual(2);
  });

  it("connects to allowed addresses only, by number and by name, after a redirect too", async () => {
    const asked: string[] = [];
    const strict = new PictureFetcher({
      patience,
      allowAddress: (address) => {
        asked.push(address);
        return false;
      },
    });
    const { port } = new URL(server.origin);
    server.requests.length = 0;
    for (const host of ["127.0.0.1", "localhost", "[::1]", "0x7f.1"]) {
      const refused = strict.fetch(`http://${host}:${port}/a.png`, never);
      await expect(refused).rejects.toMatchObject({ code: "image-unreadable" });
    }
    expect(server.requests).toEqual([]);
    expect(asked).toEqual(expect.arrayContaining(["127.0.0.1", "::1"]));
    await strict.close();
    const open = new PictureFetcher({ patience, allowAddress: (address) => address === "127.0.0.1" });
    expect(await get("/a.png", open)).toEqual(new Uint8Array(PNG));
    await open.close();
  });
});
