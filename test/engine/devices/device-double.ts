import { readManifest } from "../../../src/core/manifest.ts";
import { measureLanguage, measureVision } from "../../../src/engine/devices/measure.ts";
import type { TrialReport, TryDevice } from "../../../src/engine/devices/trial.ts";
import { Engine, type InThreadOptions } from "../../../src/engine/engine.ts";
import type { SequenceStore } from "../../../src/engine/kv-cache.ts";
import type { NativeContext, TappedRows } from "../../../src/language/ffi/context.ts";
import { EmbqSession } from "../../../src/vision/embq.ts";
import { VisionEncoder } from "../../../src/vision/encoder.ts";

/**
 * What is wrong with a device, by side and name: it spoils one `row` of the features; it spoils the `hidden` states that the tap reads; what the `tap` writes does not
 * arrive; its process `dies`.
 */
export type Damage = Readonly<Record<string, "row" | "hidden" | "tap" | "dies">>;

/** Every device, computed by the CPU in this thread, and spoilt as wanted. */
export function deviceDouble(damage: Damage): TryDevice {
  return async ({ directory, vision, language }) => {
    const spoilt = [damage[`vision ${vision}`], damage[`language ${language}`]];
    if (spoilt.includes("dies")) return { failed: "its process ended with SIGABRT" };
    const report: { -readonly [Part in keyof TrialReport]: TrialReport[Part] } = {};
    const ms = { load: 1, first: 1, again: 1, prefill: 1, token: 1 };
    if (vision !== undefined) {
      report.vision = { numbers: await seen(directory, damage[`vision ${vision}`]), ms };
    }
    if (language !== undefined) {
      report.language = { numbers: await said(directory, damage[`language ${language}`]), about: "", ms };
    }
    return { report };
  };
}

async function seen(directory: string, damage: Damage[string] | undefined): ReturnType<typeof measureVision> {
  const { geometry, roles } = await readManifest(directory);
  const encoder = await VisionEncoder.load({ directory, file: roles.vision, geometry, threads: 1 });
  const embq = await EmbqSession.load({ directory, file: roles.embq, geometry, threads: 1 });
  const encode: VisionEncoder["encode"] = async (options) => {
    const encoded = await encoder.encode(options);
    if (damage === "row") encoded.features.fill(0, 7 * geometry.featureWidth, 8 * geometry.featureWidth);
    return encoded;
  };
  try {
    return await measureVision({ encoder: { encode }, embq, geometry });
  } finally {
    await encoder.dispose();
    await embq.dispose();
  }
}

async function said(
  directory: string,
  damage: Damage[string] | undefined,
): Promise<Awaited<ReturnType<typeof measureLanguage>>["numbers"]> {
  const { geometry } = await readManifest(directory);
  const wrapStore: InThreadOptions["wrapStore"] =
    damage === "hidden" || damage === "tap" ? (context) => spoil(context, damage) : undefined;
  const engine = await Engine.load({ directory, device: "cpu", threads: 1, parallel: 1, wrapStore });
  try {
    return (await measureLanguage(engine, geometry)).numbers;
  } finally {
    await engine.dispose();
  }
}

/** A context whose tap reads spoilt rows, or writes nowhere. */
function spoil(context: NativeContext, damage: "hidden" | "tap"): SequenceStore {
  return new Proxy(context, {
    get(target, property) {
      if (property !== "decode") {
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === "function" ? (value as () => unknown).bind(target) : value;
      }
      const decode: SequenceStore["decode"] = ({ runs, tap }) =>
        target.decode({
          runs,
          tap: tap && ((rows) => tap(spoiltRows(rows, damage))),
        });
      return decode;
    },
  });
}

function spoiltRows(graph: TappedRows, damage: "hidden" | "tap"): TappedRows {
  return {
    rows: graph.rows,
    width: graph.width,
    read: (first, count) => {
      const values = graph.read(first, count);
      return damage === "hidden" ? values.map((value) => -value) : values;
    },
    write: (first, values) => {
      if (damage !== "tap") graph.write(first, values);
    },
  };
}
