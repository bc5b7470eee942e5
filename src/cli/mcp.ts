import { startEngine } from "../engine/client.ts";
import type { LoadModel } from "../mcp/model.ts";
import { serveMcp } from "../mcp/server.ts";
import { openInput } from "../pipeline/sources/bytes/input.ts";
import { storePaths } from "../store/home.ts";
import { resolveModel } from "../store/resolve.ts";
import type { McpFlags } from "./commands/mcp.ts";
import { deviceOptions } from "./devices.ts";
import { EXIT } from "./exit.ts";
import { showStoreProgress } from "./terminal/progress.ts";
import { resolveOptions } from "./resolve-options.ts";
import { runCommand } from "./run-command.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** A server stays, and will see several pictures: as many make an engine's longer loading worth while. */
const MANY_PICTURES = 8;

/** `mcp`: serves the Model Context Protocol on standard input and output. */
export async function mcp(flags: McpFlags): Promise<void> {
  await runCommand({ flags, endsBySignal: true }, async ({ terminal, signal, output }) => {
    if (process.stdin.isTTY) {
      terminal.note("this speaks the Model Context Protocol with a program: see docs/mcp.md; Ctrl-D ends it");
    }
    const stop = AbortSignal.any([signal, output.closed]);
    await serveMcp({
      load: loader(flags, terminal, stop),
      input: await openInput({ file: "-" }),
      output: process.stdout,
      roots: flags.root,
      remoteImages: flags.allowRemoteImages,
      stop,
      warn: (message) => terminal.warning(message),
    });
    return EXIT.ok;
  });
}

/** Loads the model that the command line names, and tells the terminal and whoever waits what takes its time. */
function loader(flags: McpFlags, terminal: Terminal, signal: AbortSignal): LoadModel {
  const { threads, parallel, cache, cacheSize } = flags;
  return async (hear) => {
    const paths = storePaths();
    const tell = showStoreProgress({
      note: (message) => terminal.note(message),
      step: (message) => terminal.step(message),
      status: hear,
    });
    const model = await resolveModel({ ...resolveOptions(flags, { terminal, signal }), onProgress: tell });
    hear(`loading ${model.name}`);
    const engine = await startEngine({
      directory: model.directory,
      ...deviceOptions(flags),
      threads,
      parallel,
      pictures: MANY_PICTURES,
      promptCache: paths.prompts,
      pictureCache: cache
        ? { features: paths.features, prefixes: paths.prefixes, maxBytes: cacheSize }
        : undefined,
    });
    return { name: model.name, engine };
  };
}
