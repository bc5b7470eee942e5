import type { Backend, DeviceChoice, Provider } from "../../core/model/device.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { providerHint } from "../../onnxruntime/provider.ts";
import { showCandidate, type Candidate, type Judge, type Judgement } from "./judge.ts";

/** What is passed over whatever is known of it, and why. */
export interface FailedCandidate {
  readonly candidate: Candidate;
  readonly reason: string;
  /** Whether a person should hear of it now. @default true */
  readonly remarkable?: boolean | undefined;
}

/** Where one side of a model is to be loaded. */
export interface Chosen<Each extends Candidate> {
  readonly candidate: Each;
  /** why something better was not taken */
  readonly notes: readonly string[];
  /** those of them that a person should hear of now */
  readonly remarks: readonly string[];
}

export interface FirstSoundOptions {
  readonly choice: DeviceChoice;
  /** What decides. @default nothing can be tried: `auto` is the last candidate, and a device that is named is taken as it is */
  readonly judge: Judge | undefined;
  /** What did not load although it was chosen. @default none */
  readonly failed?: readonly FailedCandidate[] | undefined;
}

/**
 * The first candidate that computes what the CPU does. That a device does not do so in its fastest form is noted, and no more; that
 * it does not in any is called out when it is found.
 * @throws `device` when the choice was not left to us, and its device is not sound in any form
 */
export async function firstSound<Each extends Candidate>(
  candidates: readonly Each[],
  { choice, judge, failed = [] }: FirstSoundOptions,
): Promise<Chosen<Each>> {
  const notes: string[] = [];
  const remarks: string[] = [];
  const auto = choice === "auto";
  const passed = new Set<string>();
  if (judge === undefined) return { candidate: unproved(choice, candidates), notes, remarks };
  for (const [at, candidate] of candidates.entries()) {
    const { side, device } = candidate;
    if (device === "cpu") return { candidate, notes, remarks };
    if (passed.has(device)) continue;
    const absent = judge.absent(side, device, auto);
    const last = absent !== undefined || candidates[at + 1]?.device !== device;
    const known = absent === undefined ? failureOf(candidate, failed) : unusable(absent, false);
    const { verdict, reason, tried } = known ?? (await judge.judge(candidate, { sparing: auto || !last }));
    if (verdict === "sound") return { candidate, notes, remarks };
    if (last && !auto) throw refused(side, device, { verdict, reason });
    const note = `${side}: ${last ? device : showCandidate(candidate)} is not used: ${reason}`;
    notes.push(note);
    if (last && tried) remarks.push(note);
    if (last) passed.add(device);
  }
  throw new FlashSlothError("internal", "nothing is left that computes");
}

type Finding = Pick<Judgement, "verdict" | "reason" | "tried">;

function failureOf(candidate: Candidate, failed: readonly FailedCandidate[]): Finding | undefined {
  const name = showCandidate(candidate);
  const failure = failed.find(
    (each) => each.candidate.side === candidate.side && showCandidate(each.candidate) === name,
  );
  return failure && unusable(failure.reason, failure.remarkable !== false);
}

function unusable(reason: string, tried: boolean): Finding {
  return { verdict: "unusable", reason, tried };
}

/** What a choice comes to where nothing can be tried: nothing that is less exact then. */
function unproved<Each extends Candidate>(choice: DeviceChoice, candidates: readonly Each[]): Each {
  const exact = candidates.find(
    (candidate) => candidate.side === "language" || candidate.form.arithmetic === "float32",
  );
  const found = choice === "auto" ? candidates.at(-1) : (exact ?? candidates[0]);
  if (found !== undefined) return found;
  throw new FlashSlothError("internal", "there is no device for a choice");
}

function refused(
  side: "vision" | "language",
  device: Provider | Backend,
  { verdict, reason }: Pick<Judgement, "verdict" | "reason">,
): FlashSlothError {
  const what = verdict === "wrong" ? "computes wrong" : "does not work";
  const again = "`flashsloth doctor` tries every device again";
  const hint =
    side === "vision" && verdict === "unusable"
      ? providerHint(device as Provider)
      : `use --${side}-device cpu, or --device auto; ${again}`;
  return new FlashSlothError("device", `${device} ${what} for ${side} here: ${reason}`, { hint });
}
