import { parentPort, workerData } from "node:worker_threads";
import { tameAllocator } from "../language/ffi/allocator.ts";
import { setNativeVariable } from "../language/ffi/environment.ts";
import { disableTelemetry, TELEMETRY_SWITCH } from "../onnxruntime/telemetry.ts";
import type { EngineOptions } from "./api.ts";
import { Engine } from "./engine.ts";
import { plainError, type FromWorker, type Request, type ToWorker } from "./protocol.ts";

/** The worker thread's side: one engine, one request at a time, aborts at once. */

const port = parentPort;
if (port === null) throw new TypeError("this module runs in a worker thread only");

const send = (message: FromWorker): void => port.postMessage(message);
const asking = new Map<number, AbortController>();

async function perform(engine: Engine, id: number, request: Request): Promise<unknown> {
  switch (request.kind) {
    case "encode":
      return await engine.encodePicture(request.input, request.options);
    case "ask": {
      const controller = asking.get(id) ?? new AbortController();
      const onText = (text: string): void => send({ id, text });
      return await engine.ask(request.picture, request.options, { onText, signal: controller.signal });
    }
    case "release":
      return await engine.release(request.picture);
    case "counters":
      return await engine.counters();
    case "dispose":
      return await engine.dispose();
  }
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

  let queue = Promise.resolve();
  handle = (message) => {
    if ("abort" in message) {
      asking.get(message.abort)?.abort();
      return;
    }
    const { id, request } = message;
    if (request.kind === "ask") asking.set(id, new AbortController());
    queue = queue.then(async () => {
      try {
        send({ id, value: await perform(engine, id, request) });
      } catch (error) {
        send({ id, error: plainError(error) });
      }
      asking.delete(id);
      if (request.kind === "dispose") port?.close();
    });
  };
  for (const message of received) handle(message);
}

await main();
