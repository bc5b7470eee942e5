import { mkdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { DoctorReport } from "../../src/doctor/report.ts";
import { finished, Place } from "./binary.ts";

const place = new Place();

describe("doctor without a model", () => {
  it("says what a bug report needs, without secrets", async () => {
    const env = {
      HF_TOKEN: "hf_verysecret",
      HTTPS_PROXY: "http://me:hunter2@proxy:3128",
      FLASHSLOTH_API_KEY: "k",
    };
    const { status, stdout } = await place.run(["doctor", "--json"], { env });
    const report = JSON.parse(stdout) as DoctorReport;
    expect(status).toBe(0);
    expect(report.versions.onnxruntime).toMatch(/^\d+\.\d+/);
    expect(report.machine.usable_cores).toBeGreaterThan(0);
    if (process.platform === "linux") expect(report.machine.ggml_cpu_build).toMatch(/^\w+/);
    expect(report.model).toBeNull();
    expect(report.default_devices).toMatchObject({ sound: true });
    expect(report.devices.find(({ side, device }) => side === "language" && device === "cpu")?.verdict).toBe(
      "untried",
    );
    expect(report.environment).toMatchObject({
      HF_TOKEN: "(set)",
      HTTPS_PROXY: "http://(masked)@proxy:3128",
    });
    expect(stdout).not.toMatch(/verysecret|hunter2/);
    expect(report.advice.join()).toContain("flashsloth pull");
  });

  it("prints the same for people", async () => {
    const { status, stdout } = await place.run(["doctor"]);
    expect(status).toBe(0);
    for (const title of ["versions", "machine", "devices", "default", "store", "what would make it faster"]) {
      expect(stdout).toMatch(new RegExp(`^${title}`, "m"));
    }
  });

  it("takes less than 3 s, on a busy machine less than 50 times what node itself does", async () => {
    let [seconds, ratio] = [Infinity, Infinity];
    for (let round = 0; round < 5 && seconds >= 3 && ratio >= 50; round++) {
      const node = await timed(async () => finished(place.start(process.execPath, ["-e", "0"])));
      const doctor = await timed(async () => place.run(["doctor"]));
      [seconds, ratio] = [Math.min(seconds, doctor), Math.min(ratio, doctor / node)];
    }
    expect(Math.min(seconds / 3, ratio / 50)).toBeLessThan(1);
  });
});

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

it("doctor fails for a model that is not on this disk, without fetching it", async () => {
  await mkdir(place.path("empty"), { recursive: true });
  const { status, stderr } = await place.run(["doctor", "-m", "flashsloth-3.2b"]);
  expect(status).toBe(4);
  expect(stderr).toMatch(/^error: /);
});
