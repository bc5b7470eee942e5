import type { Conversation } from "../../chat/conversation.ts";
import { FlashSlothError } from "../../core/errors.ts";
import { drawAttention } from "../../explain/draw.ts";
import { AttentionView } from "../explain/view.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { SavedFiles } from "./save.ts";

export interface ShowAttentionOptions {
  readonly terminal: Pick<Terminal, "draw" | "note" | "status" | "clear">;
  readonly conversation: Conversation;
  /** The picture that is talked about: its path, or its encoded bytes. */
  readonly picture: string | Uint8Array;
  /** A PNG file to draw to. @default the terminal */
  readonly path: string | undefined;
  readonly saved: SavedFiles;
  readonly color: boolean;
  readonly signal: AbortSignal;
}

/**
 * Shows where the model looked for the last answer.
 * @throws as `Conversation.explain` and `drawAttention`; `usage` for a file that is no PNG, or taken; `disk`
 */
export async function showAttention(options: ShowAttentionOptions): Promise<void> {
  const { terminal, conversation, picture, path, saved, color, signal } = options;
  if (path !== undefined && !/\.png$/i.test(path)) {
    throw new FlashSlothError("usage", `${path} is no name for a map`, { hint: "end it with .png" });
  }
  terminal.status("looking again");
  const attention = await conversation.explain({ signal }).finally(() => terminal.clear());
  if (path !== undefined) {
    await saved.write(path, await drawAttention({ picture, attention }), "the map");
    terminal.note(`drawn in ${path}`);
    return;
  }
  const { width = 1, height = 1 } = conversation.picture ?? {};
  // a line may be typed meanwhile, and the terminal's answer would be taken for a part of it
  const view = await AttentionView.open(terminal, { color, asks: false });
  await view.show({ attention, size: { width, height }, picture: async () => picture });
}
