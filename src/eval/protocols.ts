/** The two ways in which FlashSloth's repository scores: LLaVA's scripts (`scripts/eval`), and its copy of lmms-eval. */
export const PROTOCOLS = ["llava", "lmms-eval"] as const;
export type Protocol = (typeof PROTOCOLS)[number];
