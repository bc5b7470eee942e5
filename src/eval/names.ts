/** What `eval` knows, by the names that the command takes. */
export const TASK_NAMES = [
  "demo",
  "pope",
  "mme",
  "gqa",
  "textvqa",
  "scienceqa",
  "mmbench",
  "ai2d",
  "chartqa",
  "docvqa",
  "seed",
  "realworldqa",
  "mmvet",
  "mathvista",
  "mmmu",
] as const;
export type TaskName = (typeof TASK_NAMES)[number];
