import { join } from "node:path";
import { beforeAll, expect, it } from "vitest";
import { DRAWINGS_FOLDER, Place } from "../cli/binary.ts";
import { readDrawings } from "../demo/demo-model.ts";
import { asked, dataUri, MODEL, serverFor } from "./served.ts";

/** Requests in all; `FLASHSLOTH_REQUESTS=5000` is the long variant. */
const REQUESTS = Number(process.env["FLASHSLOTH_REQUESTS"] ?? 1000);
/** After so many the caches are full and the allocators have what they need. */
const SETTLED = 500;
const CLIENTS = 8;
/** by which resident memory may have grown from then to the end */
const MOST_GROWTH = 0.05;

const place = new Place();
// what converting has left behind in a process, it fills again as it goes on: as users start it, the model is there
beforeAll(async () => place.convertDemo());
const server = serverFor(place);

it(
  `serves ${REQUESTS} requests in memory that stays as it was after ${SETTLED}`,
  async () => {
    const drawings = await readDrawings();
    const uris = drawings.map(({ image }) => dataUri(join(DRAWINGS_FOLDER, image)));
    const client = server.current.client();
    let settled = 0;
    const seen: number[] = [];
    const left = Array.from({ length: REQUESTS }, (_, index) => index).values();
    const ask = async (): Promise<void> => {
      for (const index of left) {
        const at = index % drawings.length;
        const messages = [asked(uris[at] ?? "", drawings[at]?.question ?? "")];
        const stream = await client.chat.completions.create({ model: MODEL, messages, stream: true });
        let text = "";
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? "";
        expect(text).not.toBe("");
        if (index === SETTLED) settled = await server.current.resident();
        if (index > SETTLED && index % 250 === 0) seen.push(await server.current.resident());
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, ask));
    seen.push(await server.current.resident());
    const megabytes = [settled, ...seen].map((bytes) => Math.round(bytes / 1e6)).join(", ");
    console.log(`resident after ${SETTLED} requests, and on to ${REQUESTS}: ${megabytes} MB`);
    expect(Math.min(...seen.slice(-2)) / settled - 1, megabytes).toBeLessThan(MOST_GROWTH);
  },
  30 * 60_000,
);
