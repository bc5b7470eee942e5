import type { Attention } from "../../engine/api.ts";
import { paintAttention, type DrawAttentionOptions } from "../../explain/draw.ts";
import type { PictureSize } from "../../explain/panels.ts";
import { attentionBlocks } from "../../explain/terminal/blocks.ts";
import { terminalImage } from "../../explain/terminal/images.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { detectGraphics, type Graphics, type GraphicsOptions } from "./graphics.ts";

/** Pixels of the longer side of a picture that is drawn among text. */
const SIDE = 400;
/** Characters in a line of what does not say how wide it is. */
const USUAL_COLUMNS = 80;

export interface ShownAttention extends Pick<DrawAttentionOptions, "attention" | "query"> {
  readonly attention: Attention;
  /** size of the upright picture */
  readonly size: PictureSize;
  /** The picture itself, asked for only by a terminal that draws it. */
  readonly picture: () => Promise<DrawAttentionOptions["picture"]>;
}

/** Maps on the terminal: as pictures where it can draw them, else with block characters. */
export class AttentionView {
  readonly #terminal: Pick<Terminal, "draw">;
  readonly #graphics: Graphics;
  readonly #columns: () => number;

  private constructor(terminal: Pick<Terminal, "draw">, graphics: Graphics, columns: () => number) {
    this.#terminal = terminal;
    this.#graphics = graphics;
    this.#columns = columns;
  }

  /** Finds out what the terminal can; that takes a quarter of a second where it does not answer. */
  static async open(
    terminal: Pick<Terminal, "draw">,
    options: Pick<GraphicsOptions, "color"> & Partial<GraphicsOptions>,
  ): Promise<AttentionView> {
    const { stdin, stderr, env } = process;
    const graphics = await detectGraphics({ stdin, stderr, env, ...options });
    return new AttentionView(terminal, graphics, () => stderr.columns || USUAL_COLUMNS);
  }

  /** @throws as `drawAttention` */
  async show({ attention, query, size, picture }: ShownAttention): Promise<void> {
    const graphics = this.#graphics;
    if (graphics === "truecolor" || graphics === "256" || graphics === "none") {
      const columns = this.#columns();
      this.#terminal.draw(attentionBlocks({ attention, picture: size, query, columns, colours: graphics }));
      return;
    }
    const painted = await paintAttention({ attention, query, picture: await picture(), side: SIDE });
    this.#terminal.draw(await terminalImage(painted, graphics));
  }
}
