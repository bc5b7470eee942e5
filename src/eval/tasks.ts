import type { TaskName } from "./names.ts";
import type { Task } from "./task.ts";
import { pope } from "./tasks/pope.ts";

/** Every benchmark; `demo`, which is none, needs to know how many drawings to make. */
export const TASKS: Readonly<Record<Exclude<TaskName, "demo">, Task>> = { pope };
