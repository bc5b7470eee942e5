import { describe, expect, it } from "vitest";
import { viridis, onScale, OPACITY } from "../../../src/explain/scale.ts";
import type { AttentionBody } from "../../../src/serve/attention.ts";
import { drawing, Place, QUESTION, RED_CIRCLE } from "../../cli/binary.ts";
import { answer, FakeEngine } from "../../pipeline/fake-engine.ts";
import { started } from "../in-process.ts";
import { asked, dataUri, MODEL, Server, serverFor } from "../served.ts";
import { ask, browserFor, drop, mapColour, NO_BROWSER, style } from "./browser.ts";

const place = new Place();
const server = serverFor(place);
const open = browserFor();
const HEIC = new URL("../../image/heic/quarters.heic", import.meta.url).pathname;

describe("the page's files", () => {
  it("come without a key, and let nothing be loaded from anywhere else", async () => {
    const keyed = await started({ apiKey: "secret" });
    for (const [path, type] of [
      ["/", "text/html"],
      ["/page.js", "text/javascript"],
      ["/page.css", "text/css"],
      ["/page.svg", "image/svg+xml"],
    ]) {
      const response = await fetch(keyed.url + path);
      expect(response.status, path).toBe(200);
      expect(response.headers.get("content-type")).toContain(type);
      expect(response.headers.get("content-security-policy")).toMatch(
        /^default-src 'self'; .*frame-ancestors 'none'/,
      );
      const text = await response.text();
      expect(
        text.match(/(?:https?:)?\/\/(?!www\.w3\.org\/2000\/svg)[a-z][\w-]*\.[a-z]+/g) ?? [],
        path,
      ).toEqual([]);
      expect(text).not.toMatch(/<script>|<style|style="|unsafe-/);
    }
  });
});

describe.skipIf(NO_BROWSER)(
  "the page in a browser (skipped where there is no Chromium: apt-get install chromium)",
  () => {
    it("answers about a dropped picture, and again, as the server does", async () => {
      const { page } = await open(server.current.url);
      const bodies: { messages: { role: string; content: unknown }[] }[] = [];
      page.on(
        "request",
        (request) => void (request.method() === "POST" && bodies.push(request.postDataJSON())),
      );
      await drop(page, RED_CIRCLE);
      expect(await page.locator("#name").textContent()).toBe("023.png");
      expect(await page.locator("#model").textContent()).toBe(MODEL);
      expect(await ask(page, QUESTION)).toBe("Red.");
      const second = await ask(page, "How many stars are there?");
      const client = server.current.client();
      const { choices } = await client.chat.completions.create({
        model: MODEL,
        messages: [
          asked(dataUri(RED_CIRCLE), QUESTION),
          { role: "assistant", content: "Red." },
          { role: "user", content: "How many stars are there?" },
        ],
      });
      expect(second).toBe(choices[0]?.message.content);
      expect(bodies.map(({ messages }) => messages.map(({ role }) => role))).toEqual([
        ["user"],
        ["user", "assistant", "user"],
      ]);
      // another picture begins another conversation
      await drop(page, drawing("003.png"));
      expect(await page.locator(".turn").count()).toBe(0);
      expect(await ask(page, "What color is the square?")).toBe("Purple.");
      expect(bodies.at(-1)?.messages).toHaveLength(1);
    });

    it("shows the answer as it comes", async () => {
      const { page } = await open(server.current.url);
      await drop(page, RED_CIRCLE);
      await page.evaluate(`{
      window.seen = [];
      new MutationObserver(() => {
        const said = document.querySelector(".answered");
        if (said?.ariaBusy === "true") window.seen.push(said.textContent);
      }).observe(document.querySelector("#turns"), { childList: true, subtree: true, characterData: true });
    }`);
      const whole = await ask(page, "Describe the image.");
      const seen = [...new Set(await page.evaluate<string[]>("window.seen"))].filter((text) => text !== "");
      expect(seen.length).toBeGreaterThan(3);
      for (const text of seen) expect(whole.startsWith(text.trimEnd())).toBe(true);
    });

    it("draws where the model looked: every patch in its place, in its colour", async () => {
      const { page } = await open(server.current.url);
      await drop(page, RED_CIRCLE);
      await ask(page, QUESTION);
      const response = await fetch(`${server.current.url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          model: MODEL,
          messages: [asked(dataUri(RED_CIRCLE), QUESTION)],
          explain: true,
        }),
      });
      const { flashsloth } = (await response.json()) as { flashsloth: { explain: AttentionBody } };
      const {
        grid,
        weights,
        shares,
        image_size: size,
        patch_size: patch,
        width,
        height,
      } = flashsloth.explain;
      expect([weights.length, shares, width, height]).toEqual([grid ** 2, grid ** 2, 256, 256]);
      expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 3);
      for (let at = 0; at < weights.length; at++) {
        const [x, y] = [at % grid, Math.floor(at / grid)].map((cell) => ((cell + 0.5) * patch) / size);
        const colour = await mapColour(page, x ?? 0, y ?? 0);
        const wanted = [...viridis(onScale((weights[at] ?? 0) * shares)), OPACITY * 255];
        for (const [channel, value] of colour.entries())
          expect(Math.abs(value - (wanted[channel] ?? 0))).toBeLessThan(4);
      }
      expect(await style(page, "#image", "filter")).toContain("grayscale");
      expect(await page.locator("#of").textContent()).toMatch(
        /^EmbQ attention, mean of \d+ queries, in times an even share$/,
      );
      expect(await page.locator("#measure").textContent()).toMatch(
        /^entropy .* bits; top \d+ of 81 patches: \d+ %$/,
      );
      expect(await page.locator("#ticks li").allTextContents()).toEqual([
        "1/4",
        "1/2",
        "1",
        "2",
        "4",
        "8",
        "16",
        "32",
      ]);
      // the map lies on the picture, wherever that is
      const [picture, map] = [
        await page.locator("#image").boundingBox(),
        await page.locator("#map").boundingBox(),
      ];
      expect(map).toEqual(picture);
      await page.getByRole("switch", { name: "Show where it looked" }).click();
      expect(await page.locator("#map").isVisible()).toBe(false);
      expect(await style(page, "#image", "filter")).toBe("none");
      // nobody asks for a map that nobody sees
      const posted = page.waitForRequest((request) => request.method() === "POST");
      await ask(page, "How many stars are there?");
      expect((await posted).postDataJSON()).not.toHaveProperty("explain");
      expect(await page.getByRole("button", { name: "Where it looked" }).count()).toBe(1);
      await page.getByRole("button", { name: "Where it looked" }).click();
      expect(await page.locator("#map").isVisible()).toBe(true);
    });

    it("draws five crops on the picture and on the quarters of its square", async () => {
      const { page } = await open(server.current.url);
      // 300 x 200: the square is 300 x 300, with 50 above and below the picture
      const weights = Array.from({ length: 20 }, (_, at) => (at < 4 ? 0.01 : at === 4 + 4 * 2 ? 0.5 : 0.001));
      const explain = {
        layer: "embq",
        crops: "tiles",
        grid: 2,
        width: 300,
        height: 200,
        image_size: 4,
        patch_size: 2,
        weights,
        shares: 20,
        caption: "five crops",
        measure: "much",
      };
      const chunk = {
        choices: [{ delta: { content: "Yes." }, finish_reason: "stop" }],
        flashsloth: { explain },
      };
      await page.route("**/v1/chat/completions", async (route) =>
        route.fulfill({
          contentType: "text/event-stream",
          body: `data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`,
        }),
      );
      await drop(page, RED_CIRCLE);
      expect(await ask(page, "?")).toBe("Yes.");
      const bright = async (x: number, y: number): Promise<boolean> =>
        ((await mapColour(page, x, y))[1] ?? 0) > 150; // green: there is none at the dark end
      expect(await bright(0.25, 0.75)).toBe(false);
      await page.getByRole("radio", { name: "Quarters" }).check();
      // the third quarter is the lower left one: its first patch is 75 wide from the left edge, and 75 high from the middle
      expect(await bright(0.24, 0.51)).toBe(true);
      expect(await bright(0.24, 0.86)).toBe(true);
      expect(await bright(0.24, 0.89)).toBe(false);
      expect(await bright(0.26, 0.6)).toBe(false);
      expect(await bright(0.24, 0.49)).toBe(false);
    });

    it("takes a HEIC, though this browser cannot show it", async () => {
      const { page } = await open(server.current.url);
      await drop(page, HEIC);
      await page.getByText("This browser cannot show").waitFor();
      expect(await ask(page, "Describe the image.")).not.toBe("");
      const { width = 0, height = 0 } = (await page.locator("#map").boundingBox()) ?? {};
      const own = await page.evaluate<number[]>("[map.width, map.height]");
      expect(width / height).toBeCloseTo((own[0] ?? 0) / (own[1] ?? 1), 1);
    });

    it("works by keyboard alone, and shows where the focus is", async () => {
      const { page } = await open(server.current.url);
      await page.locator("#model").waitFor();
      const choosing = page.waitForEvent("filechooser");
      const focused = async (): Promise<string> =>
        page.evaluate("document.activeElement.id || document.activeElement.textContent");
      const marked = async (selector = ":focus"): Promise<void> =>
        expect(await style(page, selector, "outline-style")).toBe("solid");
      await page.keyboard.press("Tab");
      expect(await focused()).toBe("choose");
      await marked();
      await page.keyboard.press("Enter");
      const chooser = await choosing;
      await chooser.setFiles(RED_CIRCLE);
      await page.locator("#question:focus").waitFor();
      await marked();
      await page.keyboard.type("What color");
      await page.keyboard.press("Shift+Enter");
      await page.keyboard.type("is the circle?");
      expect(await page.locator(".turn").count()).toBe(0);
      await page.keyboard.press("Enter");
      await page.locator('.answered[aria-busy="false"]').waitFor();
      expect(await page.locator("#question").inputValue()).toBe("");
      expect(await focused()).toBe("question");
      // back through everything that can be used
      const order = [];
      for (let step = 0; step < 3; step++) {
        await page.keyboard.press("Shift+Tab");
        order.push(await focused());
        await marked((await focused()) === "map-on" ? ".track" : ":focus");
      }
      expect(order).toEqual(["Where it looked", "map-on", "another"]);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Space");
      expect(await page.locator("#map").isVisible()).toBe(false);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      expect(await page.locator("#map").isVisible()).toBe(true);
    });

    it("is heard: what it says is live, and every control has a name", async () => {
      const { page } = await open(server.current.url);
      await drop(page, RED_CIRCLE);
      await ask(page, QUESTION);
      const heard = await page.locator("body").ariaSnapshot();
      for (const part of [
        "log:",
        '"You: What color is the circle?"',
        "Red.",
        'switch "Show where it looked" [checked]',
      ]) {
        expect(heard).toContain(
          part.replaceAll('"You: What color is the circle?"', "What color is the circle?"),
        );
      }
      expect(heard).toMatch(/img "Colours from dark, 1\/4, to light, 32 times an even share"/);
      expect(heard).not.toMatch(/(?:button|textbox|switch|radio|img)(?: \[.*\])?:?$/m); // one without a name
      expect(await page.locator('[role="log"]').getAttribute("aria-live")).toBe("polite");
    });

    it.each(["light", "dark"] as const)(
      "can be read in %s colours, also on a small screen",
      async (colorScheme) => {
        const { page } = await open(server.current.url, {
          colorScheme,
          viewport: { width: 360, height: 640 },
        });
        await drop(page, RED_CIRCLE);
        await ask(page, "Describe the image.");
        const pairs = [
          ["body", "body"],
          [".answered", ".answered"],
          [".asked", ".asked"],
          ["#measure", ".looked"],
          [".hint", ".ask"],
          ["#send", "#send"],
        ] as const;
        for (const [text, ground] of pairs) {
          const colours = [await style(page, text, "color"), await style(page, ground, "background-color")];
          expect(contrast(colours), `${text} ${colours.join(" on ")}`).toBeGreaterThan(4.5);
        }
        const [ground = 0] = channels(await style(page, "body", "background-color"));
        expect(ground > 128).toBe(colorScheme === "light");
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(360);
        // the newest answer is not behind the form
        const [said, form] = [
          await page.locator(".answered").boundingBox(),
          await page.locator("#ask").boundingBox(),
        ];
        expect((said?.y ?? 0) + (said?.height ?? 0)).toBeLessThanOrEqual(form?.y ?? 0);
      },
    );

    it("runs no script and asks no host but its own", async () => {
      const other = await started();
      const { page, requests } = await open(server.current.url);
      const refused = await page.evaluate<string[]>(`(async () => {
      const refused = [];
      addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
      await fetch("${other.url}/health").catch(() => {});
      const script = document.createElement("script");
      script.textContent = "window.ran = true";
      document.body.append(script);
      const image = new Image();
      image.src = "${other.url}/page.svg";
      await new Promise((wait) => setTimeout(wait, 200));
      return [...refused, String(window.ran)];
    })()`);
      expect(refused).toEqual(["connect-src", "script-src-elem", "img-src", "undefined"]);
      expect(other.log).toEqual([]);
      requests.length = 0; // those were the test's own
    });

    it("says in words what is wrong, and keeps the question", async () => {
      const { page } = await open(server.current.url);
      const alert = page.getByRole("alert");
      await page.getByRole("button", { name: "Ask" }).click();
      expect(await alert.textContent()).toBe("Choose a picture first.");
      await drop(page, "letter.png", Buffer.from("Dear Sir or Madam"));
      const question = page.getByRole("textbox", { name: "Question" });
      await question.fill("Who wrote it?");
      await question.press("Enter");
      await page.getByText("is not a picture").waitFor();
      expect(await question.inputValue()).toBe("Who wrote it?");
      await drop(page, "huge.png", 23_000_001);
      await page.getByText("huge.png has 23 MB").waitFor();
      await drop(page, RED_CIRCLE);
      await alert.waitFor({ state: "hidden" });
      await page.route("**/v1/**", async (route) => route.abort());
      await question.fill(QUESTION);
      await question.press("Enter");
      await page.getByText("The server does not answer. Is flashsloth serve still running?").waitFor();
    });

    it("asks for the key that the server wants, and forgets it with the tab", async () => {
      const keyed = await Server.start(place, [], { FLASHSLOTH_API_KEY: "open-sesame" });
      const { page } = await open(keyed.url);
      const key = page.getByLabel("This server wants an API key");
      await key.fill("wrong");
      await key.press("Enter");
      await page.getByText("the API key is missing or wrong").waitFor();
      await key.fill("open-sesame");
      await key.press("Enter");
      await page.locator("#model").waitFor();
      expect(await key.isVisible()).toBe(false);
      await drop(page, RED_CIRCLE);
      expect(await ask(page, QUESTION)).toBe("Red.");
      await page.reload();
      await page.locator("#model").waitFor();
      expect(await page.evaluate("[localStorage.length, document.cookie]")).toEqual([0, ""]);
      const { page: another } = await open(keyed.url);
      await another.getByLabel("This server wants an API key").waitFor();
      await keyed.stop();
    });

    it("stops an answer, keeps what was said, and asks on", async () => {
      let stopped = 0;
      const engine = new FakeEngine({
        ask: async (_, { question, history = [] }, { onText, signal } = {}) => {
          if (question !== "Tell me all.") {
            const text = `after ${history[0]?.answer}`;
            onText?.(text);
            return answer(text);
          }
          onText?.("Once upon");
          await new Promise((resolve) => signal?.addEventListener("abort", resolve));
          stopped++;
          return answer("Once upon", { finish: "interrupted" });
        },
      });
      const { url } = await started({ engine });
      const { page } = await open(url);
      await drop(page, RED_CIRCLE);
      const question = page.getByRole("textbox", { name: "Question" });
      await question.fill("Tell me all.");
      await question.press("Enter");
      await page.locator(".answered", { hasText: "Once upon" }).waitFor();
      expect(await page.getByRole("button", { name: "Ask" }).isDisabled()).toBe(true);
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByText("stopped", { exact: true }).waitFor();
      expect(await ask(page, "Go on.")).toBe("after Once upon");
      expect(stopped).toBe(1);
    });
  },
);

function channels(colour: string): number[] {
  return (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
}

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(colours: readonly string[]): number {
  const [light = 0, dark = 0] = colours
    .map((colour) => {
      const [red = 0, green = 0, blue = 0] = channels(colour).map((channel) => {
        const value = channel / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    })
    .toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}
