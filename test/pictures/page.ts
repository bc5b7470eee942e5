import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { chromium, type Page } from "playwright-core";
import sharp from "sharp";

/**
 * Takes the picture of the page for the pages for people: `docs/pictures/page.png`, with a drawing, answers of the demo model and
 * the map of the first. It needs Chromium (`FLASHSLOTH_CHROMIUM` says where, if not at /usr/bin/chromium), and what `npm run build` makes.
 */

const ROOT = resolve(import.meta.dirname, "../../../../..");
const OUT = join(ROOT, "docs/pictures/page.png");
const DRAWING = join(ROOT, "test/fixtures/eval/100.png");
const QUESTIONS = [
  "What colour is the star?",
  "How many shapes are there?",
  "What colour is the background?",
];
const SIZE = { width: 1040, height: 760 };

async function serve(): Promise<{ url: string; stop: () => void }> {
  const words = [join(ROOT, "bin/flashsloth.js"), "serve", "-m", "demo", "--port", "0"];
  const server = spawn(process.execPath, words, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  const url = await new Promise<string>((found, failed) => {
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      const [, address] = / at (http:\S+)\/v1/.exec(said) ?? [];
      if (address !== undefined) found(address);
    });
    server.on("exit", () => failed(new Error(said)));
  });
  return { url, stop: () => server.kill() };
}

async function ask(page: Page, question: string, at: number): Promise<void> {
  await page.getByRole("textbox", { name: "Question" }).fill(question);
  await page.keyboard.press("Enter");
  await page.locator(".turn").nth(at).locator('.answered[aria-busy="false"]').waitFor();
}

const server = await serve();
const browser = await chromium.launch({
  executablePath: process.env["FLASHSLOTH_CHROMIUM"] ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
try {
  const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
  await page.goto(`${server.url}/`);
  const choosing = page.waitForEvent("filechooser");
  await page.getByRole("button", { name: "Choose a picture" }).click();
  await (await choosing).setFiles(DRAWING);
  for (const [at, question] of QUESTIONS.entries()) await ask(page, question, at);
  await page.getByRole("button", { name: "Where it looked" }).first().click();
  await page.mouse.move(0, 0);
  const shot = await page.screenshot({ animations: "disabled", caret: "hide" });
  await sharp(shot).png({ palette: true, colours: 128, effort: 10, compressionLevel: 9 }).toFile(OUT);
} finally {
  await browser.close();
  server.stop();
}
