import { collectGarbage } from "../core/garbage.ts";
import { beginEngine } from "../engine/client.ts";
import { startServer } from "../serve/server.ts";
import { storePaths } from "../store/home.ts";
import { resolveModel } from "../store/resolve.ts";
import type { ServeFlags } from "./commands/serve.ts";
import { deviceOptions } from "./devices.ts";
import { EXIT } from "./exit.ts";
import { keepNurserySmall } from "./nursery.ts";
import { resolveOptions } from "./resolve-options.ts";
import { runCommand } from "./run-command.ts";
import { apiKeyOf, checkedOrigins } from "./serve/access.ts";
import { greeting, logLine } from "./serve/log.ts";

/** Many pictures will come: longer loading for faster encoding. */
const MANY = 1000;

/** `serve`: answers over HTTP until it is told to stop. */
export async function serve(flags: ServeFlags): Promise<void> {
  const apiKey = await apiKeyOf(flags);
  const origins = checkedOrigins(flags.cors);
  await runCommand({ flags, endsBySignal: true }, async ({ terminal, interrupts, signal }) => {
    const model = await resolveModel(resolveOptions(flags, { terminal, signal }));
    const paths = storePaths();
    interrupts.immediate = true; // nothing is in hand yet
    terminal.status(`loading ${model.name}`);
    const engine = beginEngine({
      directory: model.directory,
      ...deviceOptions(flags),
      threads: flags.threads,
      pictures: MANY,
      parallel: flags.parallel,
      promptCache: paths.prompts,
      pictureCache: flags.cache
        ? { features: paths.features, prefixes: paths.prefixes, maxBytes: flags.cacheSize }
        : undefined,
    });
    try {
      const server = await startServer({
        model: { engine, name: model.name },
        host: flags.host,
        port: flags.port,
        apiKey,
        allowedHosts: flags.allowedHost,
        origins,
        remoteImages: flags.allowRemoteImages,
        maxBody: flags.maxBody,
        maxPixels: flags.maxPixels,
        queue: flags.queue,
        timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1000,
        log: (entry) => {
          terminal.note(logLine(entry));
          collectGarbage();
        },
      });
      keepNurserySmall();
      interrupts.inHand = "the answers under way";
      interrupts.immediate = false;
      terminal.clear();
      if (model.demo) terminal.note("the demo model knows drawings of coloured shapes and nothing else");
      for (const remark of engine.info.device.remarks) terminal.note(remark);
      terminal.report(greeting({ url: server.url, model: model.name, keyed: apiKey !== undefined }));
      if (!signal.aborted)
        await new Promise((stop) => signal.addEventListener("abort", stop, { once: true }));
      await server.stop(flags.grace * 1000);
    } finally {
      await engine.dispose();
    }
    return EXIT.ok;
  });
}
