import { announce, page } from "./elements.ts";

/** Servers take requests of 32 MB unless told otherwise; base64 makes four bytes of three. */
const MOST_BYTES = 23_000_000;

/** A picture that was chosen. */
export interface Chosen {
  readonly name: string;
  /** a data URI */
  readonly uri: string;
}

export interface PickerOptions {
  /** Hears of a picture that was chosen. */
  readonly onPicture: (picture: Chosen) => void;
  /** Hears why one was not taken. */
  readonly onTrouble: (message: string) => void;
}

/** Lets pictures be chosen, dropped anywhere on the page, and pasted. */
export function listenForPictures(options: PickerOptions): void {
  const take = (file: File | undefined): void => void takeFile(file, options);
  for (const button of [page.choose, page.another]) button.addEventListener("click", () => page.file.click());
  page.file.addEventListener("change", () => {
    take(page.file.files?.[0]);
    page.file.value = ""; // the same one may be chosen again
  });
  document.addEventListener("paste", ({ clipboardData }) => {
    const file = [...(clipboardData?.files ?? [])][0];
    if (file !== undefined) take(file);
  });
  let inside = 0;
  const drag = (change: number): void => {
    inside = Math.max(0, inside + change);
    document.body.classList.toggle("dragging", inside > 0);
  };
  document.addEventListener("dragenter", () => drag(1));
  document.addEventListener("dragleave", () => drag(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drag(-inside);
    take(event.dataTransfer?.files[0]);
  });
  page.image.addEventListener("error", () => {
    page.image.hidden = true;
    page.unseen.hidden = false;
  });
  page.image.addEventListener("load", () => {
    shapeFrame(page.image.naturalWidth, page.image.naturalHeight);
  });
}

/** Gives the frame the shape of the picture, whose size in pixels this is. */
export function shapeFrame(width: number, height: number): void {
  page.frame.style.setProperty("--ratio", String(width / height));
  page.frame.style.setProperty("--own", `${width}px`);
}

async function takeFile(file: File | undefined, { onPicture, onTrouble }: PickerOptions): Promise<void> {
  if (file === undefined) {
    onTrouble("That was no file. Save the picture first, or copy it and paste it here.");
    return;
  }
  if (file.size > MOST_BYTES) {
    const megabytes = Math.round(file.size / 1e6);
    onTrouble(
      `${file.name} has ${megabytes} MB. Make it smaller first: the model looks at a few hundred pixels a side.`,
    );
    return;
  }
  const uri = await dataUri(file).catch(() => undefined);
  if (uri === undefined) onTrouble(`${file.name} could not be read.`);
  else onPicture({ name: file.name, uri });
}

async function dataUri(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result as string));
    reader.addEventListener("error", () => reject(reader.error ?? new Error("unreadable")));
    reader.readAsDataURL(file);
  });
}

/** Shows a picture in place of the one before. */
export function showPicture({ name, uri }: Chosen): void {
  page.empty.hidden = true;
  page.shown.hidden = false;
  page.image.hidden = false;
  page.unseen.hidden = true;
  shapeFrame(1, 1);
  page.image.src = uri;
  page.name.textContent = name;
  page.name.title = name;
  announce(`${name} is here. Ask about it.`);
}
