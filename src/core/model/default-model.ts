/** The model that is asked when none is named. */
export const DEFAULT_MODEL = "flashsloth-3.2b";
