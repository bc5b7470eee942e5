import { VISION_TOWER_FILE } from "../checkpoint/file-names.ts";
import type { OpenTower } from "../checkpoint/tower.ts";
import type { FolderFiles } from "../core/files/folder-files.ts";
import type { WantedVariant } from "../core/model/variant.ts";
import type { OnStoreProgress } from "./progress.ts";

/** What the store wants to know of a checkpoint before its weights are fetched or converted. */
export interface ExaminationRequest extends WantedVariant {
  readonly files: FolderFiles;
  readonly strict?: boolean | undefined;
  readonly openTower?: OpenTower | undefined;
  /** names of what an interrupted conversion has finished */
  readonly finished?: readonly string[] | undefined;
}

export interface Examination {
  /** bytes that the conversion will take from the disk at its peak */
  readonly peak: number;
  /** what is unusual about the checkpoint and is survived, as sentences */
  readonly remarks: readonly string[];
  /** the vision tower where it is not among the weights */
  readonly tower?: TowerToCopy | undefined;
  readonly close: () => Promise<void>;
}

/** A vision tower from elsewhere, as far as a checkpoint needs it. */
export interface TowerToCopy {
  readonly from: string;
  /** where it is, if that is on this disk: a folder or a file that a conversion can be given */
  readonly path?: string | undefined;
  /** of the tensors that are needed */
  readonly bytes: number;
  /** Makes a file of them, going on where an earlier run stopped. */
  readonly copy: (
    path: string,
    options: { readonly onBytes?: (done: number) => void; readonly signal?: AbortSignal | undefined },
  ) => Promise<void>;
}

/** What the store asks of a converter, which has defaults of its own for the variant. */
export interface ConversionRequest extends WantedVariant {
  /** folder of a FlashSloth checkpoint in the hub's layout */
  readonly checkpoint: string;
  /** folder to write; its manifest comes last */
  readonly out: string;
  /** the model's name, for its manifest */
  readonly name: string;
  readonly source: { readonly repo: string; readonly revision: string | null };
  readonly strict?: boolean | undefined;
  /** Folder or file of the vision tower, where the checkpoint's folder lacks it. */
  readonly visionTower?: string | undefined;
  /** Whether the checkpoint's remarks were told when it was examined. @default false */
  readonly examined?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Converter {
  /** @throws `checkpoint-invalid` when it cannot be converted */
  readonly examine: (request: ExaminationRequest) => Promise<Examination>;
  readonly convert: (request: ConversionRequest) => Promise<unknown>;
}

/** The project's converter, loaded only when something is converted. */
export const projectConverter: Converter = {
  async examine(request) {
    const { examineCheckpoint } = await import("../convert/examine.ts");
    const { copyTower } = await import("../checkpoint/copy-tower.ts");
    const { survey, peak } = await examineCheckpoint(request);
    const { tower, match, remarks } = survey;
    const names = [...(match?.tensors.keys() ?? [])].filter((name) => tower?.tensors.has(name) === true);
    const bytes = names.reduce((sum, name) => sum + (tower?.tensors.get(name)?.byteLength ?? 0), 0);
    return {
      peak,
      remarks,
      // one that is in the checkpoint's own folder needs no copy
      ...(tower !== undefined &&
        tower.from !== VISION_TOWER_FILE && {
          tower: {
            from: tower.from,
            path: tower.path,
            bytes,
            copy: async (path, options) => copyTower({ tower, names, path, ...options }),
          },
        }),
      close: async () => survey.close(),
    };
  },
  async convert(request) {
    const { convertCheckpoint } = await import("../convert/convert.ts");
    const { measureReference } = await import("../engine/devices/trial.ts");
    const { checkpoint, out, name, source, strict, visionTower } = request;
    const { quant, visionPrecision, visionBudget, calibrate } = request;
    const { examined = false, onProgress, signal } = request;
    await convertCheckpoint({
      checkpoint,
      out,
      name,
      source,
      quant,
      visionPrecision,
      visionBudget,
      calibrate,
      strict,
      visionTower,
      ...(!examined && { onRemark: (message) => onProgress?.({ stage: "note", message }) }),
      onProgress: ({ stage, done, total }) => onProgress?.({ stage: "convert", step: stage, done, total }),
      measureReference: async (directory) => measureReference(directory, { signal }),
      signal,
    });
  },
};
