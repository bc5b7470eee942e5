import { FlashSlothError } from "../core/errors.ts";
import type { Attention } from "../engine/api.ts";
import { decodePicture, type RgbPicture } from "../image/decode.ts";
import { encodePng } from "../image/png.ts";
import { captionOf, measureLine, SCALE_CAPTION, tickLabel } from "./captions.ts";
import { LINE_HEIGHT, textWidth, write } from "./lettering.ts";
import { panelPicture } from "./panel-picture.ts";
import { panelsOf, scaledTo } from "./panels.ts";
import { Raster } from "./raster.ts";
import { MIDDLE_GREY, onScale, over, SCALE_TICKS, viridis, type Colour } from "./scale.ts";
import { shownMap } from "./shown.ts";

export interface DrawAttentionOptions {
  /** The picture that was asked about: a path, its encoded bytes (JPEG, PNG, …), or its pixels. */
  readonly picture: string | Uint8Array | RgbPicture;
  readonly attention: Attention;
  /** One of EmbQ's queries, counted from 1. @default the mean of all */
  readonly query?: number | undefined;
  /** Pixels of the longer side of the picture in the drawing, 64 to 4096. @default 640 */
  readonly side?: number | undefined;
}

/** Smaller than this a patch of 27 in a row is not to be seen; larger needs more memory than a picture is worth. */
const SIDES = { least: 64, most: 4096 };
const DEFAULT_SIDE = 640;
/** Pixels around and between the panels. */
const MARGIN = 16;
const BAR_HEIGHT = 16;
const TICK_HEIGHT = 6;
const BAR_WIDTH = 480;
const WHITE = 255;
const BLACK: Colour = [0, 0, 0];

/**
 * Draws where the model looked: every patch in its colour over the picture in grey, in its true place and without smoothing; of a
 * model with five crops the whole picture, and the padded square whose quarters the others are. Below are what it is, how
 * concentrated, and the scale, which is the same for every map: a patch's attention in multiples of an even share. Where no
 * patch reads (a crop's last pixels), the picture keeps its own colours.
 * @returns the drawing as PNG
 * @throws `usage` for a query or a side out of range; as `encodePicture` for a picture that cannot be decoded
 */
export async function drawAttention(options: DrawAttentionOptions): Promise<Uint8Array> {
  return await encodePng(await paintAttention(options));
}

/** As {@link drawAttention}, not encoded. */
export async function paintAttention(options: DrawAttentionOptions): Promise<RgbPicture> {
  const { attention, query, side = DEFAULT_SIDE } = options;
  if (!(side >= SIDES.least && side <= SIDES.most)) {
    throw new FlashSlothError(
      "usage",
      `a drawing's side is ${SIDES.least} to ${SIDES.most} pixels, not ${side}`,
    );
  }
  const map = shownMap(attention, query);
  const picture = await decoded(options.picture);
  const panels = panelsOf(attention, picture).map((panel) => {
    const drawn = scaledTo(Math.round(side), panel);
    return panelPicture({ picture, attention, map, panel, drawn });
  });
  return joined(panels, [captionOf(attention, query), measureLine(attention, query)]);
}

async function decoded(picture: DrawAttentionOptions["picture"]): Promise<RgbPicture> {
  const isDecoded = typeof picture === "object" && "pixels" in picture;
  return isDecoded ? picture : await decodePicture({ input: picture });
}

/** The panels beside each other, then lines of text, then the scale. */
function joined(panels: readonly Raster[], lines: readonly string[]): RgbPicture {
  const across = panels.reduce((sum, { width }) => sum + width + MARGIN, MARGIN);
  const texts = Math.max(...lines.map((line) => textWidth(line)), BAR_WIDTH, textWidth(SCALE_CAPTION));
  const tallest = Math.max(...panels.map(({ height }) => height));
  const linesTop = 2 * MARGIN + tallest;
  const scaleTop = linesTop + (lines.length + 1) * LINE_HEIGHT + MARGIN / 2;
  const height = scaleTop + BAR_HEIGHT + TICK_HEIGHT + LINE_HEIGHT + MARGIN;
  const canvas = new Raster(Math.max(across, texts + 2 * MARGIN), height, WHITE);
  let left = MARGIN;
  for (const panel of panels) {
    canvas.place(panel, left, MARGIN);
    left += panel.width + MARGIN;
  }
  for (const [index, line] of [...lines, `${SCALE_CAPTION}:`].entries()) {
    write(canvas, line, MARGIN, linesTop + index * LINE_HEIGHT, BLACK);
  }
  drawScale(canvas, MARGIN, scaleTop);
  return canvas;
}

/** The scale as it looks over a middle grey, with its numbers. */
function drawScale(canvas: Raster, left: number, top: number): void {
  for (let x = 0; x < BAR_WIDTH; x++) {
    canvas.rectangle(left + x, top, 1, BAR_HEIGHT, over(MIDDLE_GREY, viridis((x + 0.5) / BAR_WIDTH)));
  }
  for (const tick of SCALE_TICKS) {
    const at = Math.min(BAR_WIDTH - 1, Math.round(onScale(tick) * BAR_WIDTH));
    canvas.rectangle(left + at, top + BAR_HEIGHT, 1, TICK_HEIGHT, BLACK);
    const label = tickLabel(tick);
    const middle = left + at - Math.round(textWidth(label) / 2);
    const x = Math.min(Math.max(left, middle), left + BAR_WIDTH - textWidth(label));
    write(canvas, label, x, top + BAR_HEIGHT + TICK_HEIGHT + 2, BLACK);
  }
}
