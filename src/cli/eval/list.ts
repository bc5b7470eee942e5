import { FlashSlothError } from "../../core/errors.ts";
import { TASK_NAMES, type TaskName } from "../../eval/names.ts";
import { paperFigures } from "../../eval/paper.ts";
import { PROTOCOLS } from "../../eval/protocols.ts";
import type { Form, Task } from "../../eval/task.ts";
import { TASKS } from "../../eval/tasks.ts";
import { demoForm } from "../../eval/tasks/demo.ts";
import type { EvalFlags } from "../commands/eval.ts";
import { EXIT } from "../exit.ts";
import { runCommand } from "../run-command.ts";

/** `eval --list`: what each benchmark needs, and where to get it. */
export async function evalList(only: TaskName | undefined, flags: EvalFlags): Promise<void> {
  if (flags.answers !== undefined || flags.output !== undefined) {
    throw new FlashSlothError("usage", "--list shows what there is, and neither asks nor scores");
  }
  await runCommand({ flags }, async ({ print }) => {
    const names = only === undefined ? TASK_NAMES : [only];
    for (const [index, name] of names.entries()) {
      const forms = formsOf(name);
      if (flags.json === true)
        await print(JSON.stringify({ task: name, title: titleOf(name), ...entry(forms) }));
      else await print(`${index > 0 ? "\n" : ""}${textOf(name, forms)}`);
    }
    return EXIT.ok;
  });
}

type Forms = readonly (readonly [string, Form])[];

function formsOf(name: TaskName): Forms {
  if (name === "demo") return [["drawings", demoForm(200)]];
  const task: Task = TASKS[name];
  return PROTOCOLS.flatMap((protocol) => {
    const form = task.forms[protocol];
    return form === undefined ? [] : [[protocol, form] as const];
  });
}

function titleOf(name: TaskName): string {
  return name === "demo" ? "drawings of coloured shapes, for the demo model" : TASKS[name].title;
}

function entry(forms: Forms): object {
  return {
    protocols: forms.map(
      ([protocol, { split, needs, from, suffix, ocr = false, maxTokens, scoring, handover }]) => ({
        protocol,
        split,
        needs: needs.map(({ path, what }) => ({ path, what })),
        from,
        prompt_suffix: suffix,
        ocr,
        max_tokens: maxTokens,
        scored: scoring !== undefined,
        ...(handover && { handover: handover.to }),
      }),
    ),
  };
}

function textOf(name: TaskName, forms: Forms): string {
  const paper = paperFigures(name);
  const figures =
    paper === undefined ? "" : ` (the paper: FlashSloth ${paper.flashsloth}, HD ${paper.flashslothHd})`;
  const lines = [`${name}: ${titleOf(name)}${figures}`];
  for (const [protocol, { split, needs, from, scoring, handover }] of forms) {
    const elsewhere = scoring === undefined ? `; answers only, for ${handover?.to ?? "others"} to score` : "";
    lines.push(`  ${protocol}: ${split}${elsewhere}`);
    const width = Math.max(0, ...needs.map(({ path }) => path.length));
    for (const { path, what } of needs) lines.push(`    DIR/${path.padEnd(width)}  ${what}`);
    lines.push(`    from ${from}`);
  }
  return lines.join("\n");
}
