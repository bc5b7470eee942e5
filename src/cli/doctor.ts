import { DEFAULT_MODEL } from "../core/model/default-model.ts";
import { readManifest } from "../core/model/manifest.ts";
import type { TriedModel } from "../doctor/devices.ts";
import { examineMachine } from "../doctor/examine.ts";
import { storePaths } from "../store/home.ts";
import { installedModels } from "../store/installed.ts";
import { resolveModel } from "../store/resolve.ts";
import type { DoctorFlags } from "./commands/doctor.ts";
import { doctorText } from "./doctor-text.ts";
import { EXIT } from "./exit.ts";
import { resolveOptions } from "./resolve-options.ts";
import { runCommand, type CommandContext } from "./run-command.ts";

/** `doctor`: what this machine computes with, and whether it computes right. */
export async function doctor(flags: DoctorFlags): Promise<void> {
  await runCommand({ flags }, async (context) => {
    const { terminal, signal, print } = context;
    const model = await triedModel(flags, context);
    const report = await examineMachine({ model, signal, onStep: (step) => terminal.status(step) });
    await print(flags.json === true ? JSON.stringify(report) : doctorText(report));
    return report.default_devices.sound ? EXIT.ok : EXIT.failed;
  });
}

/** The model that was named, which may be the demo; else the default one, or whichever is on this disk. */
async function triedModel(flags: DoctorFlags, context: CommandContext): Promise<TriedModel | undefined> {
  if (flags.model !== undefined) {
    const named = { model: flags.model, download: false };
    const { directory } = await resolveModel(resolveOptions(named, context));
    return { directory, manifest: await readManifest(directory) };
  }
  const models = await installedModels(storePaths().models);
  return models.find(({ manifest }) => manifest.name === DEFAULT_MODEL) ?? models[0];
}
