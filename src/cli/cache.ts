import { showBytes } from "../core/show-bytes.ts";
import { cachesUsage, clearCaches } from "../store/caches.ts";
import type { CacheFlags } from "./commands/cache.ts";
import { EXIT } from "./exit.ts";
import { runCommand } from "./run-command.ts";

/** `cache`: what the caches hold, after clearing them where that is wanted. */
export async function cache(action: "clear" | undefined, flags: CacheFlags): Promise<void> {
  await runCommand({ flags }, async ({ terminal, print }) => {
    const before = [...(await cachesUsage()).entries()];
    if (action === "clear") {
      await clearCaches();
      const bytes = before.reduce((sum, [, usage]) => sum + usage.bytes, 0);
      if (flags.json === true) await print(JSON.stringify({ cleared: true, bytes }));
      else terminal.note(`cleared: ${showBytes(bytes)} are free again`);
      return EXIT.ok;
    }
    for (const [name, { entries, bytes }] of before) {
      const line = `${name.padEnd(8)}  ${String(entries).padStart(6)}  ${showBytes(bytes)}`;
      await print(flags.json === true ? JSON.stringify({ name, entries, bytes }) : line);
    }
    return EXIT.ok;
  });
}
