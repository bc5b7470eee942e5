/** What a person who waits for a model wants to know; the command line draws it. */
export type StoreProgress =
  /** another process is at work on the same model */
  | { readonly stage: "wait"; readonly pid: number; readonly model: string }
  /** one aggregate over all files of a download */
  | {
      readonly stage: "download";
      /** bytes on this disk, those of earlier runs included, and bytes in all */
      readonly done: number;
      readonly total: number;
      /** bytes per second over the last seconds; 0 while nothing arrives */
      readonly rate: number;
      /** undefined while nothing arrives */
      readonly secondsLeft: number | undefined;
      readonly filesDone: number;
      readonly files: number;
    }
  /** bytes on disk are hashed: those of an interrupted download, of a hub cache, or of a model under `verify` */
  | { readonly stage: "verify"; readonly file: string; readonly done: number; readonly total: number }
  /** `step` names what is being written; `done` and `total` are bytes */
  | { readonly stage: "convert"; readonly step: string; readonly done: number; readonly total: number }
  /** a sentence worth a line of its own */
  | { readonly stage: "note"; readonly message: string };

export type OnStoreProgress = (event: StoreProgress) => void;
