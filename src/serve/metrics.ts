import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { EngineHandle } from "../engine/api.ts";
import type { Admission } from "./admission.ts";
import type { LogEntry } from "./options.ts";

/** Seconds, from an answer of the demo model to one of a large model on a small machine that is busy. */
const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export interface MetricsOptions {
  readonly engine: Pick<EngineHandle, "counters">;
  readonly admission: Pick<Admission, "working" | "waiting">;
}

/** What the server has done, in the text form that Prometheus reads. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<"route" | "status">;
  readonly #seconds: Histogram<"route">;
  readonly #tokens: Counter<"kind">;
  /** questions that the engine has and that are not answered */
  #asking = 0;

  constructor({ engine, admission }: MetricsOptions) {
    const registers = [this.#registry];
    this.#requests = new Counter({
      name: "flashsloth_requests_total",
      help: "Requests that were answered, by route and status.",
      labelNames: ["route", "status"],
      registers,
    });
    this.#seconds = new Histogram({
      name: "flashsloth_request_seconds",
      help: "Time from a request's headers to the end of its answer.",
      labelNames: ["route"],
      buckets: BUCKETS,
      registers,
    });
    this.#tokens = new Counter({
      name: "flashsloth_tokens_total",
      help: "Prompt positions and generated tokens of answered questions.",
      labelNames: ["kind"],
      registers,
    });
    this.#gauge(
      "flashsloth_requests_working",
      "Requests whose picture or question is being worked on.",
      () => {
        return admission.working;
      },
    );
    this.#gauge("flashsloth_requests_waiting", "Requests that wait for their turn.", () => admission.waiting);
    this.#gauge("flashsloth_questions_in_engine", "Questions that the engine has not answered yet.", () => {
      return this.#asking;
    });
    this.#gauge("process_resident_memory_bytes", "Resident memory of the process.", () => {
      return process.memoryUsage.rss();
    });
    this.#count(engine);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** A request is over. */
  took({ route, status, ms, tokens }: LogEntry): void {
    this.#requests.inc({ route, status });
    this.#seconds.observe({ route }, ms / 1000);
    if (tokens === undefined) return;
    this.#tokens.inc({ kind: "prompt" }, tokens.prompt);
    this.#tokens.inc({ kind: "answer" }, tokens.answer);
  }

  /** Counts a question as in the engine while `work` lasts. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#asking++;
    try {
      return await work;
    } finally {
      this.#asking--;
    }
  }

  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  #gauge(name: string, help: string, value: () => number): void {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [this.#registry],
      collect: () => gauge.set(value()),
    });
  }

  /** The engine's own counts, since it started. */
  #count(engine: Pick<EngineHandle, "counters">): void {
    const work: Counter<"kind"> = new Counter({
      name: "flashsloth_engine_total",
      help: "What the engine has done: pictures encoded, questions ended, batches and rows computed, …",
      labelNames: ["kind"],
      registers: [this.#registry],
      collect: async () => {
        const counters = Object.entries(await engine.counters());
        work.reset();
        for (const [kind, count] of counters) work.inc({ kind }, Number(count));
      },
    });
  }
}
