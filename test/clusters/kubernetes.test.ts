import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { Place } from "../cli/binary.ts";
import { recipe } from "./recipe.ts";

const wanted = process.env["FLASHSLOTH_KUBERNETES"] === "1";
const place = new Place();

/** What the API's schema says of a job, and the job as JSON: the schema lets fields pass that it does not know. */
const PROGRAM = `
  const { readFileSync, writeFileSync } = require("node:fs");
  const { parse } = require("yaml");
  const { Job } = require("kubernetes-models/batch/v1/Job");
  const job = parse(readFileSync("job.yaml", "utf8"));
  writeFileSync("job.json", JSON.stringify(job));
  new Job(job).validate();
`;

const COMPILER = resolve(import.meta.dirname, "../../node_modules/typescript/bin/tsc");

/** What is wrong with a job: by the schema, or a field that Kubernetes has not, by the types made of the same schema. */
async function complaints(job: string): Promise<string> {
  const options = { cwd: place.directory, encoding: "utf8" } as const;
  await writeFile(place.path("job.yaml"), job);
  const { stderr } = spawnSync(process.execPath, ["check.cjs"], options);
  const json = await readFile(place.path("job.json"), "utf8");
  const typed = `import type { IJob } from "kubernetes-models/batch/v1/Job";\nexport const job: IJob = ${json};\n`;
  await writeFile(place.path("job.ts"), typed);
  const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", ""];
  const { stdout } = spawnSync(process.execPath, [COMPILER, ...flags, "job.ts"], options);
  return stderr + stdout;
}

describe.skipIf(!wanted)("the Kubernetes job", () => {
  beforeAll(async () => {
    const packages = ["kubernetes-models@4.5.1", "yaml@2"];
    const words = ["install", "--no-save", "--silent", "--prefix", place.directory, ...packages];
    const { status, stderr } = spawnSync("npm", words, { encoding: "utf8" });
    if (status !== 0) throw new Error(stderr);
    await writeFile(join(place.directory, "check.cjs"), PROGRAM);
  });

  it("is one by the schema of Kubernetes' API", async () => {
    const job = await recipe("captions.yaml");
    expect(await complaints(job)).toBe("");
    const mistakes = [
      ["completions: 8", "completions: eight"],
      ["completionMode:", "completionsMode:"],
      ["backoffLimitPerIndex", "backOffLimitPerIndex"],
      ["claimName: models", "claim: models"],
    ] as const;
    for (const [right, wrong] of mistakes) {
      expect(await complaints(job.replace(right, wrong)), wrong).not.toBe("");
    }
  });
});
