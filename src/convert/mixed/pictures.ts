import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointConfig } from "../../checkpoint/types.ts";
import { FlashSlothError } from "../../core/errors.ts";
import type { ModelGeometry } from "../../core/model/manifest.ts";
import type { WantedVariant } from "../../core/model/variant.ts";
import { preparePicture } from "../../image/picture.ts";
import { MADE_PICTURES, madePicture } from "../../image/made-pictures.ts";

/** So many pictures say enough, and more would take minutes. */
const MOST = 8;

/** What a calibration looks at: crops of pictures, uint8 [S, S, 3] each. */
export interface CalibrationPictures {
  readonly crops: readonly Uint8Array[];
  readonly kind: "made" | "given";
}

export interface CalibrationPicturesOptions extends Pick<ModelGeometry, "imageSize" | "crops"> {
  /** A folder with the user's own. @default pictures made by arithmetic */
  readonly directory?: string | undefined;
}

/**
 * One crop of each picture: the whole of it, and where a model takes tiles too, one or another of them.
 * @throws `usage` when the folder holds no picture that can be decoded
 */
export async function calibrationPictures(options: CalibrationPicturesOptions): Promise<CalibrationPictures> {
  const { directory, imageSize } = options;
  if (directory === undefined) {
    const crops = Array.from({ length: MADE_PICTURES }, (_, index) => madePicture(index, imageSize));
    return { crops, kind: "made" };
  }
  const crops: Uint8Array[] = [];
  for (const path of spread(await filesIn(directory))) {
    if (crops.length === MOST) break;
    const prepared = await decoded(path, options);
    if (prepared === undefined) continue;
    const bytes = imageSize * imageSize * 3;
    const crop = crops.length % prepared.crops;
    crops.push(prepared.pixels.slice(crop * bytes, (crop + 1) * bytes));
  }
  if (crops.length > 0) return { crops, kind: "given" };
  throw new FlashSlothError("usage", `${directory} holds no picture to calibrate with`, {
    hint: "name a folder with a few pictures of the kind that will be asked about",
  });
}

/**
 * Looks for pictures to calibrate with before anything is fetched or converted.
 * @throws `usage` when a folder was named for mixed vision and holds none
 */
export async function requireCalibration(
  { visionPrecision, calibrate: directory }: WantedVariant,
  { vision, hd }: Pick<CheckpointConfig, "vision" | "hd">,
): Promise<void> {
  if (visionPrecision !== "mixed" || directory === undefined) return;
  const { imageSize } = vision;
  await calibrationPictures({ directory, imageSize, crops: hd ? "tiles" : "squash" });
}

async function filesIn(directory: string): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    return files.toSorted().map((name) => join(directory, name));
  } catch (cause) {
    throw new FlashSlothError("usage", `the pictures' folder ${directory} cannot be read`, { cause });
  }
}

/** All of them in another order: the first few are spread over the whole list. */
function spread(paths: readonly string[]): string[] {
  const step = Math.max(1, Math.floor(paths.length / MOST));
  return Array.from({ length: step }, (_, first) => paths.filter((_path, at) => at % step === first)).flat();
}

/** undefined for what is no picture */
async function decoded(
  path: string,
  { imageSize, crops }: CalibrationPicturesOptions,
): Promise<Awaited<ReturnType<typeof preparePicture>> | undefined> {
  try {
    return await preparePicture({ input: path, imageSize, crops });
  } catch (error) {
    if (error instanceof FlashSlothError && error.code.startsWith("image-")) return undefined;
    throw error;
  }
}
