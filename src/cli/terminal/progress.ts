import type { StoreProgress } from "../../store/progress.ts";
import { showBytes } from "../../core/show-bytes.ts";
import type { Terminal } from "./terminal.ts";

/** Where nothing can be animated, a line this often says that the work goes on. */
const LINE_EVERY_MS = 5000;
const BAR_CELLS = 20;

type Measured = Extract<StoreProgress, { readonly total: number }>;

export interface StoreProgressOptions {
  /** Milliseconds from any start. @default performance.now */
  readonly now?: (() => number) | undefined;
}

/** Shows what the store is doing: one bar on a terminal; elsewhere a line for each new stage and then every few seconds. */
export function showStoreProgress(
  terminal: Pick<Terminal, "note" | "step" | "status">,
  options: StoreProgressOptions = {},
): (event: StoreProgress) => void {
  const { now = (): number => performance.now() } = options;
  let stage = "";
  let lastLine = 0;
  return (event) => {
    if (event.stage === "note") {
      terminal.note(event.message);
      return;
    }
    const title = titleOf(event);
    const time = now();
    if (title !== stage) {
      terminal.step(title);
      [stage, lastLine] = [title, time];
    } else if (event.stage !== "wait" && time - lastLine >= LINE_EVERY_MS) {
      terminal.step(`${title}: ${figuresOf(event)}`);
      lastLine = time;
    }
    terminal.status(
      event.stage === "wait" ? title : `${title} ${barOf(fractionOf(event))} ${figuresOf(event)}`,
    );
  };
}

function titleOf(event: Exclude<StoreProgress, { stage: "note" }>): string {
  switch (event.stage) {
    case "wait":
      return `waiting for process ${event.pid}, which is at work on ${event.model}`;
    case "download":
      return "downloading the model";
    case "verify":
      return "checking the model's files";
    case "convert":
      return "converting the model";
  }
}

/** 0 to 1; all of nothing is done. */
function fractionOf({ done, total }: Measured): number {
  return total === 0 ? 1 : Math.min(1, done / total);
}

/** `[#####---------------]` @param fraction 0 to 1 */
export function barOf(fraction: number): string {
  const full = Math.floor(fraction * BAR_CELLS);
  return `[${"#".repeat(full)}${"-".repeat(BAR_CELLS - full)}]`;
}

/** `36 %, 2.31 GB of 6.43 GB, 12.3 MB/s, 5 min 35 s left` */
function figuresOf(event: Measured): string {
  const percent = `${Math.floor(100 * fractionOf(event))} %`;
  const amount = `${showBytes(event.done)} of ${showBytes(event.total)}`;
  switch (event.stage) {
    case "download": {
      const { rate, secondsLeft } = event;
      const speed = rate > 0 ? [`${showBytes(rate)}/s`] : [];
      const left = secondsLeft === undefined || event.done === event.total ? [] : [showTimeLeft(secondsLeft)];
      return [percent, amount, ...speed, ...left].join(", ");
    }
    case "verify":
      return `${percent}, ${event.file}, ${amount}`;
    case "convert":
      return `${event.step} ${percent}`;
  }
}

/** `40 s left`, `5 min 35 s left`, `2 h 10 min left` */
export function showTimeLeft(seconds: number): string {
  const whole = Math.max(1, Math.ceil(seconds));
  const minutes = Math.floor(whole / 60);
  if (minutes === 0) return `${whole} s left`;
  if (minutes < 60) return `${minutes} min ${whole % 60} s left`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}
