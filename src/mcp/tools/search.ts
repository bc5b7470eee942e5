import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import type { ToolContext } from "../call.ts";
import { searchFolder } from "../search.ts";
import { hintsOf } from "./hints.ts";

const PATHS = z.array(z.object({ path: z.string(), probability: z.number() }));

/** `search_pictures`: which pictures of a folder show something. */
export function addSearchTool(server: McpServer, context: ToolContext): void {
  const { folders } = context.places.roots;
  const below = folders.length === 0 ? "none may be read here" : folders.join(" or ");
  server.registerTool(
    "search_pictures",
    {
      title: "Search a folder's pictures",
      description:
        "Finds the pictures of a folder that show something, by asking about each of them: seconds a picture on a CPU, so name " +
        "the smallest folder that will do.",
      inputSchema: z.strictObject({
        folder: z.string().describe(`Path of the folder: ${below}, or one inside`),
        what: z
          .string()
          .refine((text) => text.trim() !== "", "say what the pictures are to show")
          .describe(
            'What they are to show, like "a red circle", or a whole yes/no question that ends with "?"',
          ),
        recursive: z.boolean().default(false).describe("Look into folders inside the folder"),
        threshold: z.number().min(0).max(1).default(0.5).describe("The least probability of yes"),
        limit: z.int().min(1).max(1000).default(50).describe("At most so many matches, the best"),
        max_pictures: z
          .int()
          .min(1)
          .max(100_000)
          .default(1000)
          .describe("At most so many pictures are looked at"),
      }),
      outputSchema: z.object({
        question: z.string().describe("What was asked about each picture"),
        looked_at: z.int(),
        matching: z.int().describe("How many match, of which matches holds the best"),
        matches: PATHS.describe("The best first, with the probability of yes"),
        failed: z.int().describe("How many could not be looked at, of which failures holds the first"),
        failures: z.array(z.object({ path: z.string(), message: z.string() })),
        complete: z.boolean().describe("Whether every picture of the folder had its turn"),
      }),
      annotations: hintsOf(context),
    },
    async ({ limit, max_pictures: mostPictures, ...args }, extra) =>
      context.calls.answer(extra, async (call) => {
        const found = await searchFolder({ ...args, mostMatches: limit, mostPictures }, call, context);
        return {
          content: [{ type: "text", text: JSON.stringify(found) }],
          structuredContent: { ...found },
        };
      }),
  );
}
