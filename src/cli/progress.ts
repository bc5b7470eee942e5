import type { StoreProgress } from "../store/progress.ts";
import type { Terminal } from "./terminal.ts";

/** Shows what the store is doing: a status on a terminal, a line for each new stage elsewhere. */
export function showStoreProgress(terminal: Terminal): (event: StoreProgress) => void {
  let last = "";
  return (event) => {
    if (event.stage === "note") {
      terminal.note(event.message);
      return;
    }
    const { stage, detail } = describe(event);
    if (stage !== last) terminal.step(stage);
    last = stage;
    terminal.status(`${stage}${detail}${amount(event)}`);
  };
}

function describe(event: Exclude<StoreProgress, { stage: "note" }>): { stage: string; detail: string } {
  switch (event.stage) {
    case "wait":
      return { stage: `waiting for process ${event.pid}, which is preparing ${event.model}`, detail: "" };
    case "download":
      return { stage: "downloading the model", detail: "" };
    case "verify":
      return { stage: "checking the model's files", detail: `: ${event.file}` };
    case "convert":
      return { stage: "converting the model", detail: `: ${event.step}` };
  }
}

function amount(event: Exclude<StoreProgress, { stage: "note" }>): string {
  if (event.stage === "wait" || event.total === 0) return "";
  return ` ${Math.floor((100 * event.done) / event.total)} %`;
}
