/** The page's elements, by their ids in `index.html`. */

function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.querySelector(`#${id}`);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

export const page = {
  model: byId("model", HTMLParagraphElement),
  file: byId("file", HTMLInputElement),
  empty: byId("empty", HTMLDivElement),
  choose: byId("choose", HTMLButtonElement),
  shown: byId("shown", HTMLElement),
  frame: byId("frame", HTMLDivElement),
  image: byId("image", HTMLImageElement),
  unseen: byId("unseen", HTMLParagraphElement),
  map: byId("map", HTMLCanvasElement),
  name: byId("name", HTMLSpanElement),
  another: byId("another", HTMLButtonElement),
  looked: byId("looked", HTMLDivElement),
  mapOn: byId("map-on", HTMLInputElement),
  panels: byId("panels", HTMLFieldSetElement),
  about: byId("about", HTMLDivElement),
  of: byId("of", HTMLParagraphElement),
  scale: byId("scale", HTMLCanvasElement),
  ticks: byId("ticks", HTMLOListElement),
  measure: byId("measure", HTMLParagraphElement),
  turns: byId("turns", HTMLOListElement),
  trouble: byId("trouble", HTMLParagraphElement),
  keyForm: byId("key-form", HTMLFormElement),
  key: byId("key", HTMLInputElement),
  ask: byId("ask", HTMLFormElement),
  question: byId("question", HTMLTextAreaElement),
  stop: byId("stop", HTMLButtonElement),
  send: byId("send", HTMLButtonElement),
  status: byId("status", HTMLParagraphElement),
} as const;

/** Makes an element with text in it. */
export function made<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = "",
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Says something to people who hear the page. */
export function announce(text: string): void {
  page.status.textContent = text;
}
