import type { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { z } from "zod";
import type { ToolContext } from "../call.ts";
import { pictureShape, type PictureArguments } from "../pictures.ts";
import { askOnce } from "../question.ts";
import { hintsOf } from "./hints.ts";

/** A list that is longer takes minutes and is none that anybody meant. */
const MOST_CHOICES = 256;

/** `compare_choices`: one of the given answers, each with its probability. */
export function addCompareTool(server: McpServer, context: ToolContext): void {
  server.registerTool(
    "compare_choices",
    {
      title: "Compare answers about a picture",
      description:
        "Answers a question about a picture with exactly one of the given choices, and says how probable the model finds each. " +
        "A small mass means that it wanted to say something else.",
      inputSchema: z.strictObject({
        ...pictureShape(context.places),
        question: z.string().describe("What to find out, as a whole sentence"),
        choices: z.array(z.string()).min(2).max(MOST_CHOICES).describe("The possible answers"),
        exact: z
          .boolean()
          .default(false)
          .describe(
            "Take each choice as it is written, not its usual spellings (capitalised, with a full stop) too",
          ),
      }),
      outputSchema: z.object({
        answer: z.string(),
        choices: z.array(
          z.object({
            text: z.string(),
            probability: z.number().describe("Among the choices: together they are 1"),
            logprob: z.number(),
          }),
        ),
        mass: z.number().describe("The probability of all choices together, among all answers"),
      }),
      annotations: hintsOf(context),
    },
    async (args, extra) =>
      context.calls.answer(extra, async (call) => {
        const { question, choices: texts, exact, ...picture } = args as typeof args & PictureArguments;
        const constraint = { kind: "choices", texts, spellings: exact ? "exact" : "usual" } as const;
        const {
          text: answer,
          choices = [],
          mass,
        } = await askOnce(picture, { question, constraint }, call, context);
        const compared = { answer, choices: choices.map((choice) => ({ ...choice })), mass };
        return {
          content: [{ type: "text", text: JSON.stringify(compared) }],
          structuredContent: compared,
        };
      }),
  );
}
