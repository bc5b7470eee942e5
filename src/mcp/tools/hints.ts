import type { ToolAnnotations } from "@modelcontextprotocol/sdk/types.js";
import type { ToolContext } from "../call.ts";

/** What a client may know of every tool here before it lets one be called. */
export function hintsOf({ places }: Pick<ToolContext, "places">): ToolAnnotations {
  return {
    readOnlyHint: true,
    destructiveHint: false,
    idempotentHint: true,
    openWorldHint: places.fetcher !== undefined,
  };
}
