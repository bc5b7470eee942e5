import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import type { ToolContext } from "../call.ts";
import { pictureShape, type PictureArguments } from "../pictures.ts";
import { askOnce } from "../question.ts";
import { hintsOf } from "./hints.ts";

const DEFAULT_TOKENS = 512;

/** `ask_about_picture`: one answer in words. */
export function addAskTool(server: McpServer, context: ToolContext): void {
  server.registerTool(
    "ask_about_picture",
    {
      title: "Ask about a picture",
      description:
        "Looks at a picture on this machine and answers a question about it in words. Nothing leaves the machine.",
      inputSchema: z.strictObject({
        ...pictureShape(context.places),
        question: z.string().describe("What to find out, as a whole sentence"),
        max_tokens: z
          .int()
          .min(1)
          .max(1_000_000)
          .default(DEFAULT_TOKENS)
          .describe("The longest answer, in tokens"),
      }),
      outputSchema: z.object({
        answer: z.string(),
        finish: z
          .enum(["stop", "length", "repetition", "timeout", "interrupted"])
          .describe("Why it ended; anything but stop cut it off"),
      }),
      annotations: hintsOf(context),
    },
    async (args, extra) =>
      context.calls.answer(extra, async (call) => {
        const { question, max_tokens: maxTokens, ...picture } = args as typeof args & PictureArguments;
        const { text, finish } = await askOnce(picture, { question, maxTokens }, call, context);
        return { content: [{ type: "text", text }], structuredContent: { answer: text, finish } };
      }),
  );
}
