import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { median } from "../../../src/bench/statistics.ts";
import { readManifest } from "../../../src/core/model/manifest.ts";
import { makeDrawings } from "./drawings.ts";
import type { Figure, Setup } from "./figure.ts";

const run = promisify(execFile);
const CLIENTS = 8;
const QUESTION = "What color is the circle?";
/** Of a tiny model a round would be over too soon, of a large one never. */
const DRAWINGS = { tiny: 600, large: 24 };
const TINY_WIDTH = 1024;
/** Made-up weights never come to an end by themselves. */
const TOKENS = 16;

/**
 * The same drawings by `serve` with eight clients and by one `ask -r`, in turn; nothing is kept. Of `ask` one picture's run is
 * taken off, and the server has answered once: neither side's loading counts.
 */
export async function serveFigure({ binary, directory, threads, rounds }: Setup): Promise<Figure> {
  const place = await mkdtemp(join(tmpdir(), "flashsloth-serve-"));
  const folder = join(place, "drawings");
  const { geometry } = await readManifest(directory);
  const count = geometry.hiddenSize < TINY_WIDTH ? DRAWINGS.tiny : DRAWINGS.large;
  const common = ["-m", directory, "--threads", String(threads), "--no-cache", "--quiet"];
  const limit = ["--max-tokens", String(TOKENS)];
  const env = { ...process.env, FLASHSLOTH_HOME: join(place, "home") };
  const ask = async (pictures: string): Promise<number> => {
    const words = [binary, "ask", ...common, ...limit, "-r", pictures, "-q", QUESTION];
    const start = performance.now();
    await run(process.execPath, words, { env, maxBuffer: 2 ** 30 });
    return (performance.now() - start) / 1000;
  };
  const [asked, served]: [number[], number[]] = [[], []];
  try {
    const names = await makeDrawings(folder, count);
    const bodies = await Promise.all(
      names.map(async (name) => bodyAbout(await readFile(join(folder, name)))),
    );
    await ask(join(folder, names[0] ?? ""));
    for (let round = 0; round < rounds; round++) {
      const alone = await ask(join(folder, names[0] ?? ""));
      asked.push(((await ask(folder)) - alone) / (count - 1));
      served.push((await serveAll([binary, "serve", ...common, "--port", "0"], env, bodies)) / (count - 1));
    }
  } finally {
    await rm(place, { recursive: true, force: true });
  }
  const [one, other] = [median(asked), median(served)];
  return {
    name: `${count} drawings: ask -r / serve with ${CLIENTS} clients`,
    value: one / other,
    bar: { atLeast: 0.9 },
    detail: `${(1 / other).toFixed(2)} and ${(1 / one).toFixed(2)} pictures a second, the clients on the same machine`,
  };
}

function bodyAbout(picture: Buffer): string {
  const url = `data:image/png;base64,${picture.toString("base64")}`;
  const content = [
    { type: "text", text: QUESTION },
    { type: "image_url", image_url: { url } },
  ];
  return JSON.stringify({ max_tokens: TOKENS, messages: [{ role: "user", content }] });
}

/** @returns seconds for all bodies but the first, which warms the server up */
async function serveAll(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  [first = "", ...rest]: readonly string[],
): Promise<number> {
  const server = spawn(process.execPath, words, { env, stdio: ["ignore", "ignore", "pipe"] });
  const agent = new Agent({ keepAlive: true });
  try {
    const url = `${await addressOf(server)}/v1/chat/completions`;
    await post(url, agent, first);
    const left = rest.values();
    const client = async (): Promise<void> => {
      for (const body of left) await post(url, agent, body);
    };
    const start = performance.now();
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return (performance.now() - start) / 1000;
  } finally {
    agent.destroy();
    server.kill();
    await once(server, "close");
  }
}

async function addressOf(server: ChildProcess): Promise<string> {
  let said = "";
  return await new Promise((resolve, reject) => {
    server.stderr?.on("data", (text: Buffer) => {
      said += text.toString();
      const [address] = /http:\/\/[\d.]+:\d+/.exec(said) ?? [];
      if (address !== undefined) resolve(address);
    });
    server.on("close", () => reject(new Error(`the server did not start: ${said}`)));
  });
}

async function post(url: string, agent: Agent, body: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const sent = request(url, { method: "POST", headers, agent }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`the server answers ${response.statusCode}`));
      });
    });
    sent.on("error", reject).end(body);
  });
}
