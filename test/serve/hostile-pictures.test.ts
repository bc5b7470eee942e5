import { describe, expect, it } from "vitest";
import { LoopbackServer } from "../addresses/server.ts";
import { Place } from "../cli/binary.ts";
import { png } from "../image/make.ts";
import { asked, MODEL, serverFor } from "./served.ts";

const server = serverFor(new Place(), ["--max-pixels", "3M"]);
const elsewhere = new LoopbackServer((_, response) => response.end());

/** The error of a question about these bytes, or the answer. */
async function ask(bytes: Uint8Array): Promise<unknown> {
  const url = `data:image/png;base64,${Buffer.from(bytes).toString("base64")}`;
  return await server.current
    .client()
    .chat.completions.create({ model: MODEL, messages: [asked(url, "What is this?")] })
    .catch((error: unknown) => error);
}

describe("a picture that means harm", () => {
  it("is refused by its header when it would be large, before it costs anything", async () => {
    const bomb = png({ width: 40_000, height: 40_000, depth: 1, colour: 0 }, new Uint8Array(5001 * 1000));
    expect(bomb.byteLength).toBeLessThan(10_000);
    const before = await server.current.resident();
    const refused = await Promise.all(Array.from({ length: 20 }, async () => ask(bomb)));
    for (const each of refused) {
      expect(each).toMatchObject({ status: 400, code: "image-too-large" });
      expect(each).toMatchObject({ message: expect.stringContaining("at most 3 megapixels") as string });
    }
    expect((await server.current.resident()) - before).toBeLessThan(60e6);
    const within = png({ width: 1500, height: 2000, depth: 1, colour: 0 }, new Uint8Array(189 * 2000));
    expect(await ask(within)).toMatchObject({ object: "chat.completion" });
    const beyond = png({ width: 1501, height: 2000, depth: 1, colour: 0 }, new Uint8Array(189 * 2000));
    expect(await ask(beyond)).toMatchObject({ status: 400, code: "image-too-large" });
  });

  it("makes the server open no file and no address that an SVG names", async () => {
    const { origin } = elsewhere;
    for (const href of [`${origin}/a.png`, "file:///etc/hostname", "/etc/hostname"]) {
      const svg = `<?xml version="1.0"?>
        <!DOCTYPE svg [<!ENTITY x SYSTEM "${href}">]>
        <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="64" height="64">
          <style>@import url("${href}");</style>
          <image width="64" height="64" xlink:href="${href}"/><use xlink:href="${href}#a"/><text>x</text></svg>`;
      expect(await ask(Buffer.from(svg))).toMatchObject({ object: "chat.completion" });
    }
    expect(elsewhere.requests).toEqual([]);
    const laughs = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join(
      "",
    );
    const bomb = `<!DOCTYPE svg [<!ENTITY l0 "ha">${laughs}]>
      <svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><text>&l9;</text></svg>`;
    expect(await ask(Buffer.from(bomb))).toMatchObject({ status: 400, code: "image-invalid" });
  });
});
