import { FlashSlothError } from "../errors.ts";
import { MANIFEST_FILE, type Manifest } from "./manifest.ts";

/** Names that Windows takes for devices, whatever follows their first dot. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/;

/** What a weight type may be called, known or not: it becomes part of a folder's name. */
const QUANT = /^[a-z][a-z0-9_]{1,31}$/;

/** As file systems that know no case, and Windows, which drops a name's last dots, tell names apart. */
function folded(name: string): string {
  return name.toLowerCase().replace(/\.+$/, "");
}

/**
 * Checks what a manifest from elsewhere says against itself: its fields' types are right already.
 * @throws `model-invalid` with what cannot be true
 */
export function refuseLies(manifest: Manifest, where: string): void {
  const refuse = (reason: string): never => {
    throw new FlashSlothError("model-invalid", `${where}: ${reason}`, {
      hint: "whoever converted the model has to upload it again",
    });
  };
  if (!QUANT.test(manifest.quant)) refuse(`${JSON.stringify(manifest.quant)} is no weight type`);
  const names = new Map<string, string>();
  for (const { name } of manifest.files) {
    const key = folded(name);
    const other = names.get(key);
    if (other === name) refuse(`lists the file ${name} twice`);
    if (other !== undefined)
      refuse(`lists ${other} and ${name}, which are one file where case does not count`);
    if (key === MANIFEST_FILE || DEVICE.test(key)) refuse(`lists a file ${name}, which no model can have`);
    names.set(key, name);
  }
  for (const [role, name] of Object.entries(manifest.roles)) {
    if (name !== undefined && !manifest.files.some((file) => file.name === name)) {
      refuse(`${role} is to be ${name}, which is not among its files`);
    }
  }
  const { geometry, roles, embeddings } = manifest;
  const sizeOf = (file: string): number | undefined => manifest.files.find(({ name }) => name === file)?.size;
  const table = geometry.vocabSize * geometry.hiddenSize * 2; // float16
  if (embeddings.offset + table > (sizeOf(roles.language) ?? 0)) {
    refuse(`the token embeddings lie outside ${roles.language}`);
  }
  const { queries, hiddenSize, layers, vocabSize, embqLayer, endTokens } = geometry;
  if (sizeOf(roles.queries) !== queries * hiddenSize * 4) {
    refuse(`${roles.queries} has no room for exactly ${queries} queries of ${hiddenSize} float32 values`);
  }
  if (embqLayer >= layers) refuse(`puts EmbQ before layer ${embqLayer} of ${layers}`);
  const outside = endTokens.find((id) => id >= vocabSize);
  if (outside !== undefined) refuse(`ends answers at token ${outside} of ${vocabSize}`);
}
