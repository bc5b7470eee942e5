/** What `eval` knows, by the names that the command takes. */
export const TASK_NAMES = ["demo", "pope"] as const;
export type TaskName = (typeof TASK_NAMES)[number];
