import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { DoctorReport } from "../../src/doctor/report.ts";
import { Place, QUESTION, RED_CIRCLE, type Finished } from "../cli/binary.ts";

const place = new Place();
const DOUBLE = join(import.meta.dirname, "webgpu-double.cjs");

beforeAll(async () => {
  await place.convertDemo();
  await writeFile(place.path("driver.json"), "{}");
});

/** A machine with a WebGPU that is damaged as `damage` says; each has a store of its own for its verdicts. */
async function run(damage: string, words: readonly string[]): Promise<Finished> {
  const env = {
    NODE_OPTIONS: `--require ${DOUBLE}`,
    DOUBLE: damage,
    VK_DRIVER_FILES: place.path("driver.json"),
  };
  return await place.run(words, { env });
}

const ASK = [
  "ask",
  "-m",
  "demo",
  "--json",
  "--bench",
  "--no-cache",
  RED_CIRCLE,
  QUESTION,
  "--language-device",
  "cpu",
];

interface AskedOn {
  readonly answer: string;
  readonly bench: { readonly device: { readonly vision: string } };
}

function recordOf({ status, stdout }: Finished): AskedOn {
  expect(status).toBe(0);
  return JSON.parse(stdout) as AskedOn;
}

async function doctor(
  damage: string,
): Promise<{ readonly status: number | null; readonly report: DoctorReport }> {
  const { status, stdout } = await run(damage, ["doctor", "-m", "demo", "--json"]);
  return { status, report: JSON.parse(stdout) as DoctorReport };
}

describe("a WebGPU that computes what the CPU does", () => {
  it("is taken by auto", async () => {
    const found = await run("none", ASK);
    expect(recordOf(found)).toMatchObject({ answer: "Red.", bench: { device: { vision: "webgpu" } } });
    expect(found.stderr).toContain("vision runs on webgpu, language on cpu");
  });

  it("is sound to the doctor, and the default", async () => {
    const { status, report } = await doctor("none");
    expect([status, report.default_devices.vision]).toEqual([0, "webgpu"]);
    const finding = report.devices.find(({ device }) => device === "webgpu");
    expect(finding?.verdict).toBe("sound");
    expect(finding?.errors?.["features"]).toBeLessThan(1e-5);
    expect(Object.keys(finding?.ms ?? {})).toEqual(["load", "first", "again"]);
  });
});

describe("a WebGPU that spoils a row of the features", () => {
  beforeAll(async () => void (await place.run(["cache", "clear"])));

  it("is passed over by auto, once called out with what differs, and refused by its name", async () => {
    const first = await run("row", ASK);
    expect(recordOf(first)).toMatchObject({ answer: "Red.", bench: { device: { vision: "cpu" } } });
    expect(first.stderr).toMatch(/^vision: webgpu is not used: its features are 0\.\d+ away from the CPU's/m);
    const second = await run("row", ASK);
    expect(recordOf(second).bench.device.vision).toBe("cpu");
    expect(second.stderr).not.toContain("is not used");
    const named = await run("row", [...ASK, "--vision-device", "webgpu"]);
    expect([named.status, named.stdout]).toEqual([1, ""]);
    expect(named.stderr).toMatch(/^error: webgpu computes wrong for vision here: its features are/m);
  });

  it("is told by the doctor, whose status is that of the default, the CPU", async () => {
    const { status, report } = await doctor("row");
    expect([status, report.default_devices.vision]).toEqual([0, "cpu"]);
    expect(report.devices.find(({ device }) => device === "webgpu")).toMatchObject({ verdict: "wrong" });
  });
});

describe("a WebGPU that ends the process", () => {
  beforeAll(async () => void (await place.run(["cache", "clear"])));

  it("takes neither the doctor down nor an answer", async () => {
    const { status, report } = await doctor("dies");
    expect(status).toBe(0);
    expect(report.devices.find(({ device }) => device === "webgpu")).toMatchObject({
      verdict: "unusable",
      reason: expect.stringContaining("its process ended with SIGABRT"),
    });
    expect(recordOf(await run("dies", ASK)).answer).toBe("Red.");
    const named = await run("dies", [...ASK, "--vision-device", "webgpu"]);
    expect([named.status, named.stdout]).toEqual([1, ""]);
    expect(named.stderr).toMatch(
      /^error: webgpu does not work for vision here: its process ended with SIGABRT/m,
    );
  });
});
