import { readdir, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { demoRepository } from "../hub/checkpoint-files.ts";
import { HubServer } from "../hub/server.ts";
import { drawing, DRAWINGS_FOLDER, lines, Place, QUESTION, RED_CIRCLE } from "./binary.ts";

const place = new Place();
const CHECKPOINT = resolve(import.meta.dirname, "../../src/store/demo/checkpoint");

interface Question {
  readonly image: string;
  readonly question: string;
  readonly answer: string;
}

describe("flashsloth ask --vision-precision", () => {
  let questions: Question[];

  beforeAll(async () => {
    const text = await readFile(`${DRAWINGS_FOLDER}/eval.jsonl`, "utf8");
    const all = lines(text).map((line) => JSON.parse(line) as Question);
    questions = all.filter(({ question }) => question === QUESTION).slice(0, 3);
  });

  it.each(["fp16", "mixed", "int8"])("answers rightly with %s, in a folder of its own", async (precision) => {
    expect(questions).toHaveLength(3);
    const pictures = questions.map(({ image }) => drawing(image));
    const words = ["ask", "-m", "demo", "--vision-precision", precision, "--json", ...pictures, QUESTION];
    const { status, stdout } = await place.run(words);
    expect(status).toBe(0);
    const answers = lines(stdout).map((line) => (JSON.parse(line) as Question).answer);
    expect(answers).toEqual(questions.map(({ answer }) => answer));
    const folders = await readdir(place.path("store/models"));
    expect(folders.filter((name) => name.endsWith(`+${precision}`))).toHaveLength(1);
  });

  it("names the choices, in the help too", async () => {
    const odd = ["ask", "-m", "demo", "--vision-precision", "int4", RED_CIRCLE, QUESTION];
    const { status, stderr } = await place.run(odd);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .*--vision-precision.*int4.*fp32, fp16, mixed, int8/);
    for (const command of ["ask", "bench", "pull", "convert"]) {
      const { stdout } = await place.run([command, "--help"]);
      expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
        /--vision-precision <type> weights of the vision encoder.*fp32/,
      );
    }
  });

  it("keeps a bound for mixed vision, and takes no folder with another", async () => {
    const convert = ["convert", "--quiet", CHECKPOINT, "./tight", "--vision-precision", "mixed"];
    const tight = [...convert, "--vision-budget", "1e-2", "--calibrate", DRAWINGS_FOLDER];
    expect(await place.run(tight)).toMatchObject({ status: 0 });
    const { vision } = JSON.parse(await readFile(place.path("tight/manifest.json"), "utf8")) as {
      vision: Record<string, unknown>;
    };
    expect(vision["mixed"]).toMatchObject({ budget: 0.01, calibration: "given", pictures: 8 });
    expect(vision["featureError"]).toBeLessThan(0.01);
    const ask = async (...flags: string[]): ReturnType<Place["run"]> =>
      place.run(["ask", "-m", "./tight", ...flags, RED_CIRCLE, QUESTION]);
    expect(await ask("--vision-precision", "mixed")).toMatchObject({ status: 0, stdout: "Red.\n" });
    expect(await ask("--vision-precision", "mixed", "--vision-budget", "0.02")).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(
        /mixed vision within 0\.01, not f16 with mixed vision within 0\.02\nhint: .*--vision-budget 0\.02/,
      ) as string,
    });
    expect(await ask("--vision-budget", "7")).toMatchObject({ status: 2 });
  });

  it("refuses a converted folder that is something else, and says how to get what was wanted", async () => {
    const convert = ["convert", "--quiet", CHECKPOINT, "./half", "--vision-precision", "fp16"];
    expect(await place.run(convert)).toMatchObject({ status: 0 });
    const ask = async (...flags: string[]): ReturnType<Place["run"]> =>
      place.run(["ask", "-m", "./half", ...flags, RED_CIRCLE, QUESTION]);
    expect(await ask("--vision-precision", "fp16")).toMatchObject({ status: 0, stdout: "Red.\n" });
    expect(await ask("--vision-precision", "int8")).toMatchObject({
      status: 2,
      stdout: "",
      stderr:
        "error: ./half is f16 with fp16 vision, not f16 with int8 vision\n" +
        "hint: make the other with `flashsloth convert CHECKPOINT-DIR OUT-DIR --quant f16 --vision-precision int8`\n",
    });
    expect(await ask("--quant", "q8_0")).toMatchObject({ status: 2, stdout: "" });
  });
});

describe("the other commands", () => {
  const own = new Place();

  it("pull, show, verify and remove a model in each precision", async () => {
    const server = await HubServer.start({ repo: "owner/sloth", files: await demoRepository() });
    try {
      const env = { HF_ENDPOINT: server.endpoint, HF_HOME: own.path("hf") };
      const pull = async (precision: string): Promise<Record<string, unknown>> => {
        const words = ["pull", "hf:owner/sloth", "--quant", "f16", "--vision-precision", precision, "--json"];
        const { status, stdout } = await own.run(words, { env });
        expect(status).toBe(0);
        return JSON.parse(stdout) as Record<string, unknown>;
      };
      expect(await pull("fp32")).toMatchObject({
        quant: "f16",
        vision: { precision: "fp32", featureError: 0, tokenError: 0 },
      });
      expect(await pull("int8")).toMatchObject({
        vision: { precision: "int8", tokenError: expect.any(Number) as number },
      });
    } finally {
      await server.close();
    }
    const { stdout: listed } = await own.run(["list"]);
    expect(lines(listed).map((line) => line.split(/ {2,}/)[1])).toEqual(["f16", "f16 with int8 vision"]);
    const { stdout: records } = await own.run(["list", "--json"]);
    expect(lines(records).map((line) => JSON.parse(line) as object)).toEqual([
      expect.objectContaining({ vision: { precision: "fp32", featureError: 0, tokenError: 0 } }),
      expect.objectContaining({ vision: expect.objectContaining({ precision: "int8" }) as object }),
    ]);
    const verified = await own.run(["verify", "hf:owner/sloth"]);
    expect(verified.status).toBe(0);
    expect(verified.stderr).toContain("hf:owner/sloth (f16 with int8 vision) is as it was converted");
    expect(await own.run(["remove", "hf:owner/sloth"])).toMatchObject({ status: 0 });
    expect((await own.run(["list"])).stdout).toBe("");
  });
});
