import { readManifest } from "../../../src/core/model/manifest.ts";
import { measureLanguage, measureTogether, measureVision } from "../../../src/engine/devices/measure.ts";
import type { TrialReport, TrialRequest, TryDevice } from "../../../src/engine/devices/trial.ts";
import { Engine, type InThreadOptions } from "../../../src/engine/engine.ts";
import type { SequenceStore } from "../../../src/engine/kv-cache.ts";
import type { NativeContext, TappedRows } from "../../../src/language/ffi/context.ts";
import { EmbqSession } from "../../../src/vision/embq.ts";
import { VisionEncoder } from "../../../src/vision/encoder.ts";
import { visionForm } from "../../../src/vision/form.ts";

/**
 * What is wrong with a device, by side, name and, for one form alone, form: it spoils one `row` of the features, or of a picture that has `neighbours` in its run; it spoils the `hidden` states that the tap reads; what the `tap` writes does not
 * arrive; its process `dies`.
 */
export type Damage = Readonly<Record<string, "row" | "neighbours" | "hidden" | "tap" | "dies">>;

/** Every device, computed by the CPU in this thread, and spoilt as wanted. */
export function deviceDouble(damage: Damage): TryDevice {
  return async (request) => {
    const { directory, vision, language, form } = request;
    const seeing = damage[`vision ${vision} ${form}`] ?? damage[`vision ${vision}`];
    const saying = damage[`language ${language}`];
    if (seeing === "dies" || saying === "dies") return { failed: "its process ended with SIGABRT" };
    const report: { -readonly [Part in keyof TrialReport]: TrialReport[Part] } = {};
    const ms = { load: 1, first: 1, again: 1, prefill: 1, token: 1 };
    if (vision !== undefined) report.vision = { ...(await seen(request, seeing)), ms };
    if (language !== undefined) {
      report.language = { numbers: await said(directory, saying), about: "", ms };
    }
    return { report };
  };
}

async function seen(
  { directory, vision = "cpu", form: name = "single" }: TrialRequest,
  damage: Damage[string] | undefined,
): Promise<Omit<NonNullable<TrialReport["vision"]>, "ms">> {
  const { geometry, roles } = await readManifest(directory);
  const form = visionForm(roles, vision, name);
  if (form === undefined) throw new Error(`there is no form ${name}`);
  const encoder = await VisionEncoder.load({
    ...form,
    exactFile: undefined,
    directory,
    geometry,
    threads: 1,
  });
  const embq = await EmbqSession.load({ directory, file: roles.embq, geometry, threads: 1 });
  const encode: VisionEncoder["encode"] = async (options) => {
    const encoded = await encoder.encode(options);
    const { featureWidth: width, featuresPerCrop } = geometry;
    const row = (options.crops - 1) * featuresPerCrop + 7;
    if (damage === "row" || (damage === "neighbours" && options.crops > 1)) {
      encoded.features.fill(0, row * width, (row + 1) * width);
    }
    return encoded;
  };
  const parts = { encoder: { encode }, embq, geometry };
  try {
    return {
      numbers: await measureVision(parts),
      together: await measureTogether(parts, form.cropsPerRun),
    };
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
