import { showBytes } from "../core/show-bytes.ts";
import { visible } from "../core/visible.ts";
import type { DeviceFinding, DoctorReport } from "../doctor/report.ts";

/** The report for people: a section for each part, `name  value` in each line. */
export function doctorText(report: DoctorReport): string {
  const { versions, machine, default_devices: auto, store } = report;
  const memory = showBytes(machine.memory_bytes);
  const free = store.free_bytes === null ? "" : `, ${showBytes(store.free_bytes)} free`;
  const sections: [string, [string, string][]][] = [
    [
      "versions",
      [
        ["flashsloth", versions.flashsloth],
        ["node", versions.node],
        ["onnxruntime", versions.onnxruntime],
        ["llama.cpp", versions.llama_cpp],
      ],
    ],
    [
      "machine",
      [
        ["system", machine.system],
        ["CPU", `${machine.cpu}, ${machine.usable_cores} of ${machine.logical_cpus} processors usable`],
        ["features", machine.cpu_features.join(" ") || "unknown"],
        ["ggml's build", machine.ggml_cpu_build ?? "unknown"],
        ["memory", memory],
      ],
    ],
    ["drivers", report.drivers.map((line) => ["", line])],
    [
      report.model === null ? "devices (no model to try them with)" : `devices, tried with ${report.model}`,
      report.devices.map((finding) => [`${finding.side} on ${deviceText(finding)}`, findingText(finding)]),
    ],
    [
      "default",
      [
        [
          "--device auto",
          `vision ${deviceText({ device: auto.vision, arithmetic: auto.arithmetic })}, language ${auto.language}${auto.sound ? "" : ": NOT SOUND"}`,
        ],
      ],
    ],
    [
      "models",
      report.models.map(({ name, quant, vision, bytes }) => [
        name,
        `${quant}, ${vision} vision, ${showBytes(bytes)}`,
      ]),
    ],
    [
      "store",
      [
        ["folder", `${store.folder}${free}`],
        ...report.caches.map(({ name, entries, bytes }): [string, string] => [
          name,
          `${entries}, ${showBytes(bytes)}`,
        ]),
      ],
    ],
    ["environment", Object.entries(report.environment)],
    ["what would make it faster", report.advice.map((line) => ["-", line])],
  ];
  return sections
    .filter(([, rows]) => rows.length > 0)
    .map(([title, rows]) => [title, ...rowsText(rows)].join("\n"))
    .join("\n\n");
}

/** `webgpu`, `webgpu, float16` */
function deviceText({ device, arithmetic }: Pick<DeviceFinding, "device" | "arithmetic">): string {
  return arithmetic === "float16" ? `${device}, ${arithmetic}` : device;
}

function rowsText(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${visible(width === 0 ? value : `${name.padEnd(width)}  ${value}`)}`);
}

function findingText({ verdict, reason, about, errors, ms }: DeviceFinding): string {
  const parts = [reason === undefined ? verdict : `${verdict}: ${reason}`];
  for (const [name, time] of Object.entries(ms ?? {}))
    parts.push(`${name.replace("_", " ")} ${Math.round(time)} ms`);
  for (const [name, error] of Object.entries(errors ?? {})) {
    parts.push(`${name.replace("_", " ")} off by ${error.toExponential(1)}`);
  }
  if (about !== undefined) parts.push(about);
  return parts.join(", ");
}
