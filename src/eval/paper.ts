/** What arXiv 2412.04317 and the repository's README state for its two models: percent, MME in points. */
export interface PaperFigures {
  readonly flashsloth: number;
  readonly flashslothHd: number;
}

const FIGURES: Readonly<Record<string, PaperFigures>> = {
  pope: { flashsloth: 86.3, flashslothHd: 87.2 },
  mme: { flashsloth: 1702, flashslothHd: 1745 },
  mmbench: { flashsloth: 73, flashslothHd: 75.7 },
  mmvet: { flashsloth: 41.9, flashslothHd: 49 },
  seed: { flashsloth: 68, flashslothHd: 71.2 },
  mmmu: { flashsloth: 39.7, flashslothHd: 37.8 },
  mathvista: { flashsloth: 42.5, flashslothHd: 40.6 },
  gqa: { flashsloth: 61.1, flashslothHd: 62.5 },
  scienceqa: { flashsloth: 88.6, flashslothHd: 91.1 },
  textvqa: { flashsloth: 64.6, flashslothHd: 71 },
  ai2d: { flashsloth: 72.5, flashslothHd: 75.3 },
  chartqa: { flashsloth: 51, flashslothHd: 69.8 },
  docvqa: { flashsloth: 48.6, flashslothHd: 74.8 },
  realworldqa: { flashsloth: 54.8, flashslothHd: 59.9 },
};

/** The paper's figures for a task. @returns undefined where it has none */
export function paperFigures(task: string): PaperFigures | undefined {
  return FIGURES[task];
}
