import type { TaskName } from "./names.ts";
import type { Task } from "./task.ts";
import { ai2d } from "./tasks/ai2d.ts";
import { chartqa } from "./tasks/chartqa.ts";
import { docvqa } from "./tasks/docvqa.ts";
import { gqa } from "./tasks/gqa.ts";
import { mathvista } from "./tasks/mathvista.ts";
import { mmbench } from "./tasks/mmbench.ts";
import { mme } from "./tasks/mme.ts";
import { mmmu } from "./tasks/mmmu.ts";
import { mmvet } from "./tasks/mmvet.ts";
import { pope } from "./tasks/pope.ts";
import { realworldqa } from "./tasks/realworldqa.ts";
import { scienceqa } from "./tasks/scienceqa.ts";
import { seed } from "./tasks/seed.ts";
import { textvqa } from "./tasks/textvqa.ts";

/** Every benchmark; `demo`, which is none, needs to know how many drawings to make. */
export const TASKS: Readonly<Record<Exclude<TaskName, "demo">, Task>> = {
  pope,
  mme,
  gqa,
  textvqa,
  scienceqa,
  mmbench,
  ai2d,
  chartqa,
  docvqa,
  seed,
  realworldqa,
  mmvet,
  mathvista,
  mmmu,
};
