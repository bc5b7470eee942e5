import { existsSync } from "node:fs";
import { toFloat32 } from "../core/model/dtype.ts";
import { FlashSlothError } from "../core/errors.ts";
import { DiskFolder } from "../core/files/folder-files.ts";
import { showName } from "../formats/safetensors/limits.ts";
import { surveyCheckpoint, type CheckpointSurvey } from "./survey.ts";
import { openTowerAt } from "./tower.ts";
import type { Checkpoint, TensorInfo } from "./types.ts";

export interface OpenCheckpointOptions {
  /** Folder in the hub's layout: `config.json`, safetensors, tokenizer files. */
  readonly directory: string;
  /** Refuse tensors that no part of a FlashSloth needs; else they are left out, and among the remarks. @default false */
  readonly strict?: boolean | undefined;
  /**
   * Folder or safetensors file of the vision tower, for a checkpoint whose weights lack it.
   * @default `vision_tower.safetensors` in the checkpoint's folder, if it is there
   */
  readonly visionTower?: string | undefined;
}

export interface OpenedCheckpoint extends Checkpoint {
  /** What is unusual about it and makes no difference, or was left out, as sentences. */
  readonly remarks: readonly string[];
  /** Where its vision tower is from; undefined when its own weights hold it. */
  readonly towerFrom: string | undefined;
}

/**
 * Opens a FlashSloth checkpoint and checks all of it that is not weights: configuration, tokenizer, name, type and shape of
 * every tensor. Weights are read when they are asked for.
 * @throws `checkpoint-invalid` naming the file, and the field, token or tensor that does not fit
 */
export async function openCheckpoint(options: OpenCheckpointOptions): Promise<OpenedCheckpoint> {
  const { directory, strict, visionTower } = options;
  if (!existsSync(directory)) {
    throw new FlashSlothError("checkpoint-invalid", `${directory} does not exist`, {
      hint: "give the folder that holds the checkpoint's config.json",
    });
  }
  const survey = await surveyCheckpoint({
    files: new DiskFolder(directory),
    strict,
    ...(visionTower !== undefined && { openTower: async () => openTowerAt(visionTower) }),
  });
  try {
    return checkpointOf(directory, survey);
  } catch (error) {
    await survey.close();
    throw error;
  }
}

/** What a survey found, if nothing speaks against it. */
function checkpointOf(directory: string, survey: CheckpointSurvey): OpenedCheckpoint {
  const [problem] = survey.problems;
  if (problem !== undefined) throw problem;
  const { resolved, tokenizer, match, tower, remarks } = survey;
  if (resolved === undefined || tokenizer === undefined || match === undefined) {
    throw new FlashSlothError("internal", `${directory} could not be read, and nothing says why`);
  }
  const { tensors } = match;
  const unread = new Set(tensors.keys());
  const read = async (name: string): Promise<{ info: TensorInfo; bytes: Uint8Array }> => {
    const info = tensors.get(name);
    if (info === undefined) {
      throw new FlashSlothError("checkpoint-invalid", `the checkpoint has no tensor ${showName(name)}`);
    }
    const bytes = await survey.read(name);
    unread.delete(name);
    return { info, bytes };
  };
  return {
    directory,
    config: resolved.config,
    tokenizer: tokenizer.tokenizer,
    tensors,
    remarks,
    towerFrom: tower?.from,
    async readBytes(name) {
      const { bytes } = await read(name);
      return bytes;
    },
    async readFloat32(name) {
      const { info, bytes } = await read(name);
      return toFloat32(bytes, info.dtype);
    },
    unconsumed: () => [...unread],
    close: async () => survey.close(),
  };
}
