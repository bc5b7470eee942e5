import type { Drawn, Rgb, Scene } from "./scene.ts";

/** A scene as an SVG file. */
export function svgOf({ side, ground, pattern, shapes }: Scene): Uint8Array {
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 1 1">`,
    `<rect width="1" height="1" fill="${css(ground)}"/>`,
    pattern === undefined ? "" : patternOf(pattern),
    ...shapes.map(elementOf),
    "</svg>",
  ];
  return new TextEncoder().encode(parts.join("\n"));
}

function css([r, g, b]: Rgb): string {
  return `rgb(${r},${g},${b})`;
}

const STRIPES = 8;

function patternOf({ kind, colour }: NonNullable<Scene["pattern"]>): string {
  if (kind === "gradient") {
    const stops = `<stop offset="0" stop-opacity="0"/><stop offset="1" stop-opacity="1"/>`;
    const coloured = stops.replaceAll("<stop", `<stop stop-color="${css(colour)}"`);
    return `<linearGradient id="g" x1="0" y1="0" x2="1" y2="1">${coloured}</linearGradient><rect width="1" height="1" fill="url(#g)"/>`;
  }
  const width = 1 / (2 * STRIPES);
  return Array.from(
    { length: STRIPES },
    (_, index) => `<rect x="${2 * index * width}" width="${width}" height="1" fill="${css(colour)}"/>`,
  ).join("");
}

function elementOf({ shape, x, y, radius, angle, fill }: Drawn): string {
  const place = `transform="translate(${x.toFixed(4)} ${y.toFixed(4)}) rotate(${angle.toFixed(2)}) scale(${radius.toFixed(4)})" fill="${css(fill)}"`;
  switch (shape) {
    case "circle":
      return `<circle r="1" ${place}/>`;
    case "ring":
      return `<path fill-rule="evenodd" d="${circlePath(1)}${circlePath(0.55)}" ${place}/>`;
    case "square":
      return `<rect x="-0.85" y="-0.85" width="1.7" height="1.7" ${place}/>`;
    case "triangle":
      return `<polygon points="${corners([1, 1, 1])}" ${place}/>`;
    case "star":
      return `<polygon points="${corners(Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? 1.05 : 0.44)))}" ${place}/>`;
    case "cross":
      return `<path d="M-0.33-1H0.33V-0.33H1V0.33H0.33V1H-0.33V0.33H-1V-0.33H-0.33Z" ${place}/>`;
  }
}

function circlePath(radius: number): string {
  return `M${-radius} 0A${radius} ${radius} 0 1 0 ${radius} 0A${radius} ${radius} 0 1 0 ${-radius} 0Z`;
}

/** Corners around a middle, the first above it, at these distances. */
function corners(distances: readonly number[]): string {
  return distances
    .map((distance, index) => {
      const turn = (2 * Math.PI * index) / distances.length;
      return `${(distance * Math.sin(turn)).toFixed(4)},${(-distance * Math.cos(turn)).toFixed(4)}`;
    })
    .join(" ");
}
