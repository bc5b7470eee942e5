import { ApiError } from "./api-error.ts";
import type { ServedModel } from "./options.ts";

/** A model as OpenAI describes one: https://platform.openai.com/docs/api-reference/models/object. @param created seconds */
export function modelBody({ name }: Pick<ServedModel, "name">, created: number): object {
  return { id: name, object: "model", created, owned_by: "flashsloth" };
}

/** @throws ApiError where a request wants another model than the one that is served */
export function checkModel(wanted: unknown, { name }: Pick<ServedModel, "name">): void {
  if (wanted === undefined || wanted === null || wanted === name) return;
  if (typeof wanted !== "string") {
    throw new ApiError({ status: 400, code: "invalid_value", message: "`model` is no text", param: "model" });
  }
  throw new ApiError({
    status: 404,
    code: "model_not_found",
    message: `there is no such model here; this server has ${name}`,
    param: "model",
  });
}
