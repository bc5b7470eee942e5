import { parentPort, workerData } from "node:worker_threads";
import { answerParent } from "../core/machine/answer-parent.ts";
import { collectGarbage } from "../core/garbage.ts";
import { tameAllocator } from "../language/ffi/allocator.ts";
import { setNativeVariable } from "../language/ffi/environment.ts";
import { disableTelemetry, TELEMETRY_SWITCH } from "../onnxruntime/telemetry.ts";
import type { Answer, AskHooks, EngineOptions } from "./api.ts";
import { answerTrial } from "./devices/answer-trial.ts";
import { answerProbe, type ProbeRequest } from "./devices/probe.ts";
import type { TrialRequest } from "./devices/trial.ts";
import { Engine } from "./engine.ts";
import { plainError, type FromWorker, type Request, type ToWorker } from "./protocol.ts";

/** The worker thread's side of one engine, which orders its work itself; or a process of its own that tries a device, see `runTrial` and `probeBackend`. */

const port = parentPort;

const send = (message: FromWorker, transfer: readonly ArrayBuffer[] = []): void =>
  port?.postMessage(message, transfer);
const working = new Map<number, AbortController>();

/** What can be aborted: its signal is made when it begins. */
function begin(id: number): AbortSignal {
  const controller = new AbortController();
  working.set(id, controller);
  return controller.signal;
}

async function perform(engine: Engine, id: number, request: Request): Promise<unknown> {
  switch (request.kind) {
    case "encode":
      return await engine.encodePicture(request.input, { ...request.options, signal: begin(id) });
    case "ask": {
      const onText: AskHooks["onText"] = request.streams
        ? (text, logprobs) => send({ id, text, logprobs })
        : undefined;
      return await engine.ask(request.picture, request.options, { onText, signal: begin(id) });
    }
    case "release":
      await engine.release(request.picture);
      collectGarbage();
      return undefined;
    case "counters":
      return await engine.counters();
    case "dispose":
      return await engine.dispose();
  }
}

/** An answer's map goes over to the caller's thread without a copy. */
function weightsOf(value: unknown): ArrayBuffer[] {
  const map = (value as Partial<Answer> | undefined)?.explain;
  return map?.weights.buffer instanceof ArrayBuffer ? [map.weights.buffer] : [];
}

async function main(): Promise<void> {
  const received: ToWorker[] = [];
  let handle = (message: ToWorker): void => void received.push(message);
  port?.on("message", (message: ToWorker) => handle(message));

  tameAllocator();
  if (!disableTelemetry()) setNativeVariable(TELEMETRY_SWITCH, "1");
  let engine: Engine;
  try {
    engine = await Engine.begin(workerData as EngineOptions);
  } catch (error) {
    send({ failed: plainError(error) });
    port?.close();
    return;
  }
  engine.ready().then(
    (info) => send({ ready: info }),
    (error: unknown) => send({ failed: plainError(error) }),
  );

  const answer = async (id: number, request: Request): Promise<void> => {
    try {
      const value = await perform(engine, id, request);
      send({ id, value }, weightsOf(value));
    } catch (error) {
      send({ id, error: plainError(error) });
    }
    working.delete(id);
    if (request.kind === "dispose") port?.close();
  };
  handle = (message) => {
    if ("abort" in message) {
      working.get(message.abort)?.abort();
      return;
    }
    void answer(message.id, message.request);
  };
  for (const message of received) handle(message);
}

async function tryOut(request: TrialRequest | ProbeRequest): Promise<object> {
  return await ("probe" in request ? answerProbe(request) : answerTrial(request));
}

if (port === null) answerParent(async (request) => tryOut(request as TrialRequest | ProbeRequest));
else await main();
