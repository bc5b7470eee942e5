import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect } from "vitest";

/** Where Debian and others put Chromium. */
const PLACES = [
  process.env["FLASHSLOTH_CHROMIUM"] ?? "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const CHROMIUM = PLACES.find((path) => existsSync(path));

/** Whether there is no browser here. */
export const NO_BROWSER: boolean = CHROMIUM === undefined;

async function launch(): Promise<Browser> {
  // the tests may run as root, where Chromium's sandbox does not work, and in containers with a small /dev/shm
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  return await chromium.launch({ executablePath: CHROMIUM ?? "", args });
}

/** A page of a server, which asks for nothing anywhere else: each test fails that makes it. */
export interface Opened {
  readonly page: Page;
  /** addresses that were asked for */
  readonly requests: string[];
}

/** A browser for the tests of a file. */
export function browserFor(): (url: string, options?: BrowserContextOptions) => Promise<Opened> {
  let browser: Browser;
  const checks: (() => Promise<void>)[] = [];
  beforeAll(async () => {
    if (!NO_BROWSER) browser = await launch();
  });
  afterEach(async () => {
    for (const check of checks.splice(0)) await check();
  });
  afterAll(async () => {
    await browser?.close();
  });
  return async (url, options) => {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const [requests, errors]: [string[], string[]] = [[], []];
    page.on("request", (request) => void requests.push(request.url()));
    page.on("pageerror", (error) => void errors.push(error.message));
    checks.push(async () => {
      await context.close();
      const elsewhere = requests.filter((each) => !each.startsWith(`${url}/`) && !each.startsWith("data:"));
      expect([elsewhere, errors]).toEqual([[], []]);
    });
    await page.goto(`${url}/`);
    return { page, requests };
  };
}

/**
 * Drops a file on the page, as somebody with a mouse does.
 * @param content its bytes, or how many of them, all zero. @default what the file holds
 */
export async function drop(
  page: Page,
  file: string,
  content: Uint8Array | number = readFileSync(file),
): Promise<void> {
  const base64 = typeof content === "number" ? "" : Buffer.from(content).toString("base64");
  const zeros = typeof content === "number" ? content : 0;
  await page.evaluate(`{
    const bytes = Uint8Array.from(atob("${base64}"), (character) => character.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes, new Uint8Array(${zeros})], ${JSON.stringify(basename(file))}));
    for (const type of ["dragenter", "dragover", "drop"]) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
    }
  }`);
}

/** Asks with the keyboard, and waits for the answer. */
export async function ask(page: Page, question: string): Promise<string> {
  const turns = await page.locator(".turn").count();
  await page.getByRole("textbox", { name: "Question" }).fill(question);
  await page.keyboard.press("Enter");
  const said = page.locator(".turn").nth(turns).locator('.answered[aria-busy="false"]');
  return (await said.textContent()) ?? "";
}

/** The colour of a point of the map: its place as parts of the width and the height. */
export async function mapColour(page: Page, x: number, y: number): Promise<readonly number[]> {
  return await page.evaluate(`{
    const map = document.querySelector("#map");
    const at = [Math.floor(${x} * map.width), Math.floor(${y} * map.height)];
    [...map.getContext("2d").getImageData(...at, 1, 1).data];
  }`);
}

/** What an element looks like. */
export async function style(page: Page, selector: string, property: string): Promise<string> {
  return await page.evaluate(
    `getComputedStyle(document.querySelector(${JSON.stringify(selector)})).getPropertyValue("${property}")`,
  );
}
