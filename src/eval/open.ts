import type { Shard } from "../pipeline/sources/shard.ts";
import { FlashSlothError } from "../core/errors.ts";
import { DataFolder } from "./data/folder.ts";
import type { TaskName } from "./names.ts";
import { Samples, type Total } from "./samples.ts";
import { PROTOCOLS, type Protocol } from "./protocols.ts";
import type { Form, Task } from "./task.ts";
import { TASKS } from "./tasks.ts";
import { demoForm } from "./tasks/demo.ts";

export interface OpenTaskOptions {
  readonly name: TaskName;
  /** The user's folder. @default only `demo` does without */
  readonly data?: string | undefined;
  /** @default the one whose files are in the folder */
  readonly protocol?: Protocol | undefined;
  /** Only so many samples, the first. @default all */
  readonly limit?: number | undefined;
  /** Only one part of those. @default all */
  readonly shard?: Shard | undefined;
}

/** A benchmark that is about to be asked or scored. */
export interface OpenTask extends Pick<OpenTaskOptions, "limit" | "shard"> {
  readonly task: Task;
  /** @default there is only one way */
  readonly protocol: Protocol | undefined;
  readonly form: Form;
  readonly samples: Samples;
  /** How many samples there are, and jobs: all have been read once. */
  readonly total: Total;
  /** What they are read from. */
  readonly files: readonly string[];
}

/** Drawings that `demo` makes when nobody says how many. */
const DRAWINGS = 200;

/**
 * Finds a benchmark's data and reads all of it once, without the pictures, so that what is wrong with it is said before
 * anything is asked.
 * @throws `usage`
 */
export async function openTask(options: OpenTaskOptions): Promise<OpenTask> {
  const { name, limit, shard } = options;
  const { task, protocol, form, path } = name === "demo" ? demo(options) : await benchmark(name, options);
  const data = new DataFolder({ path, task: name });
  // each drawing is asked about twice
  const most = name === "demo" && limit !== undefined ? 2 * limit : limit;
  const samples = new Samples({ form, data, limit: most, shard });
  const total = await samples.count();
  if (total.samples === 0) {
    const part = shard === undefined ? "" : ` in part ${shard.part} of ${shard.of}`;
    throw new FlashSlothError("usage", `${path} holds no question of ${name}${part}`);
  }
  const files = (await Promise.all(form.needs.map(async (need) => data.find(need)))).flat();
  return { task, protocol, form, samples, total, files, limit, shard };
}

type Found = Pick<OpenTask, "task" | "protocol" | "form"> & { readonly path: string };

function demo({ data, protocol, limit }: OpenTaskOptions): Found {
  if (protocol !== undefined) {
    throw new FlashSlothError("usage", "eval demo has no protocol: its answers are right or wrong");
  }
  const form = demoForm(data === undefined ? (limit ?? DRAWINGS) : undefined);
  return {
    task: { name: "demo", title: "Drawings of coloured shapes", forms: {} },
    protocol,
    form,
    path: data ?? "",
  };
}

async function benchmark(name: Exclude<TaskName, "demo">, options: OpenTaskOptions): Promise<Found> {
  const { data: path, protocol: wanted } = options;
  const task = TASKS[name];
  if (path === undefined) {
    throw new FlashSlothError(
      "usage",
      `eval ${name} needs --data, the folder with your copy of ${task.title}`,
      {
        hint: `flashsloth eval ${name} --list says what it must hold, and where to get it`,
      },
    );
  }
  const known = PROTOCOLS.filter((protocol) => task.forms[protocol] !== undefined);
  const protocol = wanted ?? (await protocolIn(new DataFolder({ path, task: name }), task, known));
  const form = task.forms[protocol];
  if (form === undefined) {
    throw new FlashSlothError(
      "usage",
      `eval ${name} knows no protocol ${protocol}: FlashSloth was scored on ${task.title} by ${known.join(" or ")} only`,
    );
  }
  return { task, protocol, form, path };
}

/** The protocol whose files are there. @throws `usage` where it is none, or several */
async function protocolIn(data: DataFolder, task: Task, known: readonly Protocol[]): Promise<Protocol> {
  const firsts = known.flatMap((protocol) => {
    const [first] = task.forms[protocol]?.needs ?? [];
    return first === undefined ? [] : [{ protocol, first }];
  });
  const there: Protocol[] = [];
  for (const { protocol, first } of firsts) if (await data.has(first)) there.push(protocol);
  const [only, second] = there;
  if (only !== undefined && second === undefined) return only;
  if (second !== undefined) {
    throw new FlashSlothError("usage", `${data.path} holds the files of both protocols`, {
      hint: `say which: --protocol ${there.join(" or --protocol ")}`,
    });
  }
  const expected = firsts.map(({ protocol, first }) => `${first.path} (${protocol}: ${first.what})`);
  throw data.error(`${data.path} holds no copy of ${task.title}: there is no ${expected.join(" and no ")}`);
}
