import { FlashSlothError } from "../../core/errors.ts";
import type { Answer } from "../api.ts";
import { compileSchema, type CompiledSchema } from "./schema.ts";

/** Schemas that are ready for the next question; a server's clients seldom have more at once. */
const KEPT = 16;

/** Compiled schemas: many questions have the same one. */
export class Schemas {
  readonly #compiled = new Map<string, Promise<CompiledSchema>>();

  /** @throws `usage` as `compileSchema` */
  async compiled(schema: unknown): Promise<CompiledSchema> {
    const text = JSON.stringify(schema) ?? "";
    const known = this.#compiled.get(text);
    if (known !== undefined) return await known;
    const compiling = compileSchema(schema);
    const [oldest] = this.#compiled.keys();
    if (oldest !== undefined && this.#compiled.size >= KEPT) this.#compiled.delete(oldest);
    this.#compiled.set(text, compiling);
    return await compiling;
  }
}

/**
 * An answer by a schema is whole, or it is none: half of a JSON text is of no use to anyone.
 * @throws `constraint`, `timeout`
 */
export function requireWhole(answer: Answer, schema: CompiledSchema): void {
  if (answer.finish === "interrupted") return;
  if (answer.finish === "timeout") {
    throw new FlashSlothError("timeout", "the time was over before the answer's JSON was complete", {
      hint: "give it more time with --timeout",
    });
  }
  if (answer.finish === "length") {
    const { answer: tokens } = answer.tokens;
    throw new FlashSlothError("constraint", `the answer's JSON was not complete after ${tokens} tokens`, {
      hint: "allow more with --max-tokens, or bound its strings and arrays with maxLength and maxItems",
    });
  }
  const wrong = schema.validateText(answer.text);
  if (wrong !== undefined)
    throw new FlashSlothError("constraint", `the answer does not obey the schema: ${wrong}`);
}
