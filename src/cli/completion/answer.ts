import type { Candidates } from "./candidates.ts";
import type { Shell } from "./shells.ts";

/** What may be typed, models' names included. */
export interface Completions extends Omit<Candidates, "models"> {
  readonly models: readonly string[];
}

/**
 * The lines that a shell's script reads: candidates that go on from what is typed, then `files`, `folders` or `none`.
 *
 * bash and zsh complete what follows `--option=` by itself (bash what follows a colon, too), fish the whole word. zsh and fish show what a candidate means:
 * after a colon (those of the candidate are escaped), and after a tab.
 */
export function answerFor(shell: Shell, completions: Completions): string[] {
  const { candidates, models, current, prefix, paths } = completions;
  const fitting = [...candidates, ...models.map((text) => ({ text, meaning: "model" }))].filter(({ text }) =>
    text.startsWith(current),
  );
  const lines = fitting.map(({ text, meaning }) => {
    const about = (meaning ?? "").split("\n")[0] ?? "";
    switch (shell) {
      case "bash":
        return text.slice(current.lastIndexOf(":") + 1);
      case "zsh":
        return `${text.replaceAll(/[\\:]/g, String.raw`\$&`)}:${about}`;
      case "fish":
        return `${prefix}${text}\t${about}`;
    }
  });
  return [...lines, paths];
}
