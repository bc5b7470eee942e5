import { SCALE_CAPTION, tickLabel } from "../../../explain/captions.ts";
import { panelsOf } from "../../../explain/panels.ts";
import {
  MIDDLE_GREY,
  OPACITY,
  onScale,
  over,
  SCALE_TICKS,
  viridis,
  type Colour,
} from "../../../explain/scale.ts";
import type { AttentionBody } from "../../attention.ts";
import { made, page } from "./elements.ts";
import { shapeFrame } from "./picture.ts";

/** More pixels than a screen has help nobody. */
const MOST_SIDE = 2048;

let shown: AttentionBody | undefined;

/** Draws where the model looked over the picture, each patch in its place; undefined takes the map away. */
export function showMap(attention: AttentionBody | undefined): void {
  shown = attention;
  const on = attention !== undefined;
  page.map.hidden = !on;
  page.about.hidden = !on;
  page.frame.classList.toggle("mapped", on);
  page.panels.hidden = attention === undefined || panelsOf(attention, attention).length < 2;
  if (attention === undefined) return;
  page.of.textContent = `${attention.caption}, in ${SCALE_CAPTION}`;
  // a picture that this browser cannot show has its shape from here
  if (page.image.hidden) shapeFrame(attention.width, attention.height);
  page.measure.textContent = attention.measure;
  draw(attention);
}

/** Makes the scale that all maps have, and listens for what changes their looks. */
export function prepareMap(): void {
  drawScale();
  page.panels.addEventListener("change", () => shown && draw(shown));
}

function draw(attention: AttentionBody): void {
  const { width, height, image_size: imageSize, patch_size: patchSize, grid, weights, shares } = attention;
  const panels = panelsOf(attention, attention);
  const chosen = Number(page.panels.querySelector<HTMLInputElement>("input:checked")?.value ?? 0);
  const panel = panels[chosen] ?? panels[0];
  const canvas = page.map;
  const scale = Math.min(1, MOST_SIDE / Math.max(width, height)) * enlarged(width, height);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  if (context === null || panel === undefined) return;
  context.globalAlpha = OPACITY;
  for (const crop of panel.crops) {
    // patches begin at the crop's corner, and what is left over at its end no patch covers
    const [stepX, stepY] = [(crop.width * patchSize) / imageSize, (crop.height * patchSize) / imageSize];
    for (let at = 0; at < grid * grid; at++) {
      const weight = weights[crop.crop * grid * grid + at] ?? 0;
      const left = crop.left - panel.left + (at % grid) * stepX;
      const top = crop.top - panel.top + Math.floor(at / grid) * stepY;
      const [x, y] = [Math.round(left * scale), Math.round(top * scale)];
      const [right, bottom] = [Math.round((left + stepX) * scale), Math.round((top + stepY) * scale)];
      context.fillStyle = css(viridis(onScale(weight * shares)));
      context.fillRect(x, y, right - x, bottom - y);
    }
  }
}

/** Patches of a small picture would have uneven sides. */
function enlarged(width: number, height: number): number {
  return Math.max(1, Math.ceil(1024 / Math.max(width, height)));
}

function drawScale(): void {
  const canvas = page.scale;
  const [first = 0, last = 1] = [SCALE_TICKS[0], SCALE_TICKS.at(-1)];
  canvas.width = 256;
  const context = canvas.getContext("2d");
  if (context === null) return;
  for (let x = 0; x < canvas.width; x++) {
    context.fillStyle = css(over(MIDDLE_GREY, viridis(x / (canvas.width - 1))));
    context.fillRect(x, 0, 1, 1);
  }
  canvas.ariaLabel = `Colours from dark, ${tickLabel(first)}, to light, ${tickLabel(last)} ${SCALE_CAPTION}`;
  page.ticks.replaceChildren(...SCALE_TICKS.map((tick) => made("li", "", tickLabel(tick))));
}

function css([red, green, blue]: Colour): string {
  return `rgb(${red} ${green} ${blue})`;
}
