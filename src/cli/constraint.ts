import { readFile } from "node:fs/promises";
import { FlashSlothError, messageOf, systemCode } from "../core/errors.ts";
import type { Constraint } from "../engine/api.ts";
import { checkChoices } from "../engine/constraint/choices.ts";
import type { ConstraintFlags } from "./commands/constraint.ts";

/** A schema in a file longer than this is none that anybody wrote. */
const MAX_SCHEMA_BYTES = 1024 * 1024;

/**
 * What the options say of the form of an answer.
 * @throws `usage` for choices that are none, a schema that cannot be used, and options that do not go together
 */
export async function constraintOf(
  flags: ConstraintFlags & { readonly temperature: number },
): Promise<Constraint | undefined> {
  const { choices = [], choice = [], normalize, exactChoices, jsonSchema } = flags;
  const texts = [...choices, ...choice];
  if (jsonSchema !== undefined) {
    const schema = await readSchema(jsonSchema);
    // loaded only here: a schema that cannot be used is refused before any model loads
    const { compileSchema } = await import("../engine/constraint/schema.ts");
    await compileSchema(schema);
    return { kind: "schema", schema };
  }
  if (texts.length === 0) {
    const lonely =
      normalize !== undefined ? "--normalize" : exactChoices === true ? "--exact-choices" : undefined;
    if (lonely !== undefined) throw new FlashSlothError("usage", `${lonely} needs --choices`);
    return undefined;
  }
  if (flags.temperature > 0) {
    throw new FlashSlothError("usage", "--choices takes the likeliest one, so --temperature has no place", {
      hint: "leave --temperature away; --json shows every choice's probability",
    });
  }
  const constraint: Constraint = {
    kind: "choices",
    texts,
    normalize,
    spellings: exactChoices === true ? "exact" : "usual",
  };
  checkChoices(constraint);
  return constraint;
}

/** @param text a file's path, or the schema itself, which begins with a brace */
async function readSchema(text: string): Promise<unknown> {
  const inline = text.trimStart().startsWith("{");
  const where = inline ? "the schema" : text;
  try {
    return JSON.parse(inline ? text : await readSmall(text)) as unknown;
  } catch (error) {
    if (error instanceof FlashSlothError) throw error;
    const gone = systemCode(error) === "ENOENT";
    const why = gone
      ? "is not there"
      : inline || systemCode(error) === undefined
        ? "is not JSON"
        : "cannot be read";
    throw new FlashSlothError("usage", `${where} ${why}: ${messageOf(error)}`, {
      cause: error,
      hint: 'give a file, or the schema itself: --json-schema \'{"type": "object", …}\'',
    });
  }
}

async function readSmall(path: string): Promise<string> {
  const bytes = await readFile(path);
  if (bytes.byteLength > MAX_SCHEMA_BYTES) {
    throw new FlashSlothError("usage", `${path} is too long for a schema: ${bytes.byteLength} bytes`);
  }
  return bytes.toString("utf8");
}
