import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { besideOurLibraries } from "../llama/build.ts";
import type { Measured } from "./measured.ts";
import type { PeerFiles } from "./write.ts";

export interface AskPeerOptions {
  /** `llama-mtmd-cli` */
  readonly binary: string;
  readonly files: PeerFiles;
  readonly picture: string;
  readonly question: string;
  readonly threads: number;
  readonly maxTokens: number;
  /** further words of its command line */
  readonly words: readonly string[];
}

/** Positions for picture and answer: InternVL2 takes 13 x 256 for the largest pictures. */
const CONTEXT = 4096;
/** Verbosity at which it says what took how long. */
const TIMINGS = 4;
const SAMPLE_MS = 20;

/**
 * One question to a peer in a process of its own. Its warm-up is left out, which costs time before the first token and brings
 * nothing to a single question.
 */
export async function askPeer(options: AskPeerOptions): Promise<Measured> {
  const { binary, files, picture, question, threads, maxTokens, words } = options;
  const settings = await besideOurLibraries();
  const model = ["-m", files.language, "--mmproj", files.vision, "--image", picture, "-p", question];
  const numbers = ["-n", maxTokens, "-t", threads, "-c", CONTEXT, "-lv", TIMINGS, "-ngl", 0, "--temp", 0];
  const start = performance.now();
  const child = spawn(binary, [...model, ...numbers.map(String), "--no-warmup", ...words], {
    ...settings,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, log, peakMemory, firstToken] = ["", "", 0, Number.NaN];
  const sample = (): void => {
    peakMemory = Math.max(peakMemory, highWater(child.pid));
  };
  const timer = setInterval(sample, SAMPLE_MS);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    if (Number.isNaN(firstToken)) firstToken = performance.now() - start;
    sample();
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (log += text));
  try {
    const status = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject).on("close", resolve);
    });
    if (status !== 0) throw new Error(`${binary} ended with ${status}: ${log.slice(-2000)}`);
  } finally {
    clearInterval(timer);
  }
  return { ...readTimings(log), firstToken, peakMemory };
}

/**
 * What a run's log says: the tokens of each batch that a picture was decoded in, what its slices took to encode, and llama.cpp's own
 * sums. That of the prompt runs from its first piece, which stands before the picture, to its last: encoding lies between them.
 * @throws RangeError when something is missing
 */
export function readTimings(log: string): Omit<Measured, "firstToken" | "peakMemory"> {
  const sum = (pattern: RegExp): number => {
    const found = [...log.matchAll(pattern)].map(([, value]) => Number(value));
    if (found.length === 0) throw new RangeError(`${pattern} is nowhere in the log:\n${log.slice(-2000)}`);
    return found.reduce((total, value) => total + value, 0);
  };
  const vision = sum(/batch encoding done in (\d+) ms/g);
  return {
    imageTokens: sum(/decoding image batch \d+\/\d+, n_tokens_batch = (\d+)/g),
    vision,
    prefill: sum(/prompt eval time =\s+([\d.]+) ms/g) - vision,
    token: sum(/(?<!prompt )eval time =[^(]*\(\s*([\d.]+) ms per token/g),
  };
}

/** `VmHWM` of Linux (proc(5), /proc/pid/status) in bytes: the most that was ever resident; 0 when the process is gone. */
function highWater(pid: number | undefined): number {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return Number(kilobytes ?? 0) * 1024;
  } catch {
    return 0;
  }
}
