import { Chalk, type ChalkInstance } from "chalk";
import type { Attention } from "../../engine/api.ts";
import { captionOf, measureLine, SCALE_CAPTION, tickLabel } from "../captions.ts";
import { panelsOf, patchesUnder, type Panel, type PictureSize } from "../panels.ts";
import { onScale, SCALE_TICKS, viridis } from "../scale.ts";
import { shownMap, type ShownMap } from "../shown.ts";

export interface BlocksOptions {
  readonly attention: Attention;
  /** of the upright picture */
  readonly picture: PictureSize;
  /** counted from 1. @default the mean of all */
  readonly query?: number | undefined;
  /** Characters in a line of the terminal. */
  readonly columns: number;
  /** `none` draws with plain shades, as NO_COLOR wants it. */
  readonly colours: "none" | "256" | "truecolor";
}

/** Characters that a panel is wide at most, and at least: narrower is no map. */
const WIDEST = 36;
const NARROWEST = 9;
const GAP = "  ";

/** A map of block characters: patches in their true places, what they are and the scale below; ends with a newline. */
export function attentionBlocks(options: BlocksOptions): string {
  const { attention, picture, query, columns, colours } = options;
  const map = shownMap(attention, query);
  const panels = panelsOf(attention, picture);
  const beside = Math.floor((columns - GAP.length) / 2);
  const together = panels.length === 1 || beside >= 2 * NARROWEST;
  const width = Math.max(NARROWEST, Math.min(WIDEST, panels.length > 1 && together ? beside : columns));
  const drawn = panels.map((panel) => drawPanel({ attention, map, panel, colours, width }));
  const rows = together ? joined(drawn, width) : drawn.flat();
  const scale = colours === "none" ? shadesScale() : colourScale(chalkOf(colours));
  return [...rows, captionOf(attention, query), measureLine(attention, query), scale, ""].join("\n");
}

interface PanelOptions extends Pick<BlocksOptions, "attention" | "colours"> {
  readonly map: ShownMap;
  readonly panel: Panel;
  readonly width: number;
}

/** Lines of `width` characters. A character is about twice as high as wide, and two patches with colours share one. */
function drawPanel({ attention, map, panel, colours, width }: PanelOptions): string[] {
  const rows = Math.max(1, Math.round((width * panel.height) / panel.width / 2));
  const height = colours === "none" ? rows : rows * 2;
  const under = patchesUnder(attention, panel, { width, height });
  const multiples = Array.from(under, (patch) => {
    const weight = map.weights[patch];
    return weight === undefined ? undefined : weight * map.shares;
  });
  const line = (row: number): (number | undefined)[] => multiples.slice(row * width, (row + 1) * width);
  if (colours === "none") {
    return Array.from({ length: rows }, (_, row) =>
      line(row)
        .map((multiple) => shade(multiple))
        .join(""),
    );
  }
  const chalk = chalkOf(colours);
  return Array.from({ length: rows }, (_, row) => {
    const lower = line(2 * row + 1);
    return line(2 * row)
      .map((upper, column) => halfBlock(chalk, upper, lower[column]))
      .join("");
  });
}

function chalkOf(colours: "256" | "truecolor"): ChalkInstance {
  return new Chalk({ level: colours === "truecolor" ? 3 : 2 });
}

/** @param upper, lower multiples of an even share; undefined where no patch reads */
function halfBlock(chalk: ChalkInstance, upper: number | undefined, lower: number | undefined): string {
  const [above, below] = [upper, lower].map(
    (multiple) => multiple !== undefined && viridis(onScale(multiple)),
  );
  if (above) return (below ? chalk.rgb(...above).bgRgb(...below) : chalk.rgb(...above))("▀");
  return below ? chalk.rgb(...below)("▄") : " ";
}

/** From which multiple of an even share on a character stands. */
const SHADES: readonly (readonly [number, string])[] = [
  [8, "█"],
  [4, "▓"],
  [2, "▒"],
  [1 / 2, "░"],
];
const BELOW_SHADES = "·";
const NO_PATCH = " ";

function shade(multiple: number | undefined): string {
  if (multiple === undefined) return NO_PATCH;
  return SHADES.find(([from]) => multiple >= from)?.[1] ?? BELOW_SHADES;
}

function shadesScale(): string {
  const steps = SHADES.toReversed().map(([from, character]) => `${character} from ${tickLabel(from)}`);
  return `${[`${BELOW_SHADES} less`, ...steps].join("  ")} ${SCALE_CAPTION}`;
}

function colourScale(chalk: ChalkInstance): string {
  const first = SCALE_TICKS[0] ?? 0;
  const last = SCALE_TICKS.at(-1) ?? 0;
  const steps = Array.from({ length: 28 }, (_, at) => chalk.bgRgb(...viridis((at + 0.5) / 28))(" "));
  return `${tickLabel(first)} ${steps.join("")} ${tickLabel(last)} ${SCALE_CAPTION}`;
}

/** Panels of one width beside each other. */
function joined(panels: readonly (readonly string[])[], width: number): string[] {
  const rows = Math.max(...panels.map(({ length }) => length));
  return Array.from({ length: rows }, (_, row) =>
    panels
      .map((panel) => panel[row] ?? " ".repeat(width))
      .join(GAP)
      .trimEnd(),
  );
}
