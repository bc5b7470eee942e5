import { DEFAULT_MODEL } from "../core/default-model.ts";
import { FlashSlothError } from "../core/errors.ts";
import type { Manifest } from "../core/manifest.ts";
import { checkVariant, type WantedVariant } from "../core/variant.ts";
import { parseModelName, unknownModel } from "./catalogue.ts";
import type { Converter } from "./converter.ts";
import { storePaths, type StorePaths } from "./home.ts";
import { installHubModel, type InstallReport } from "./hub-model.ts";
import type { Patience } from "./hub/retry.ts";
import type { Environment } from "./hub/settings.ts";
import { readModel } from "./installed.ts";
import type { OnStoreProgress } from "./progress.ts";
import { resolveModel } from "./resolve.ts";
import { untilStopped } from "./stopped.ts";

export interface PullOptions extends WantedVariant {
  /** A name of the catalogue, `demo`, or `hf:OWNER/REPO[@REVISION]`. @default "flashsloth-3.2b" */
  readonly model?: string | undefined;
  /** Keep the checkpoint, in the store's `checkpoints/`, after it was converted. @default false */
  readonly keepCheckpoint?: boolean | undefined;
  readonly onProgress?: OnStoreProgress | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default the user's store */
  readonly paths?: StorePaths | undefined;
  /** Where `HF_*` are read. @default process.env */
  readonly env?: Environment | undefined;
  /** How long the client waits and how often it tries again; what is absent has its own default. */
  readonly patience?: Partial<Patience> | undefined;
  /** @default the project's own */
  readonly convert?: Converter | undefined;
}

export interface PulledModel {
  readonly name: string;
  readonly directory: string;
  readonly manifest: Manifest;
  /** undefined when the model was there already, or another process made it meanwhile */
  readonly report: InstallReport | undefined;
}

/**
 * Brings a model to this disk: fetched, verified, converted. One that is there already is left as it is.
 * @throws `usage` for what is no model of the hub, and for an unknown variant; `network`, `access`, `model-missing`, `disk`, `checkpoint-invalid`, `interrupted`
 */
export async function pullModel(options: PullOptions = {}): Promise<PulledModel> {
  const { model = DEFAULT_MODEL, paths = storePaths(), signal } = options;
  const named = parseModelName(model);
  if (named === undefined) throw unknownModel(model);
  checkVariant(options);
  if (named.kind === "demo") {
    const { directory, name } = await resolveModel({ ...options, model, paths });
    return { name, directory, manifest: await readModel(directory), report: undefined };
  }
  const { directory, report } = await untilStopped(signal, async () =>
    installHubModel({ ...options, model: named, paths, fetch: true }),
  );
  const manifest = await readModel(directory);
  if (manifest.source.repo !== named.repo) {
    throw new FlashSlothError(
      "model-invalid",
      `${directory} holds ${manifest.source.repo}, not ${named.repo}`,
      {
        hint: `run \`flashsloth remove ${named.name}\` and pull it again`,
      },
    );
  }
  return { name: named.name, directory, manifest, report };
}
