import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { availableParallelism, hostname } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "scontrol"];
const PATIENCE_MS = 240_000;

/** Those of Slurm's programs that are not installed. */
export function absentPrograms(): string[] {
  return PROGRAMS.filter((name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0);
}

/** A Slurm of one node, this machine, with all that it keeps in one folder. Needs root. */
export class Slurm {
  readonly #folder: string;
  readonly #daemons: ChildProcess[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  get environment(): Record<string, string> {
    return { SLURM_CONF: join(this.#folder, "slurm.conf") };
  }

  async start(): Promise<void> {
    for (const name of ["", "state", "spool", "munge"]) {
      mkdirSync(join(this.#folder, name), { recursive: true });
      chmodSync(join(this.#folder, name), 0o755);
    }
    const munge = (name: string): string => join(this.#folder, "munge", name);
    await writeFile(munge("key"), crypto.getRandomValues(new Uint8Array(64)), { mode: 0o600 });
    await writeFile(this.environment["SLURM_CONF"] ?? "", this.#configuration(munge("socket")));
    const files = ["key", "socket", "pid", "log", "seed"].map((name) => {
      const option = name === "socket" ? name : `${name}-file`;
      return `--${option}=${munge(name)}`;
    });
    this.#daemon("munged", ["--foreground", "--force", ...files]);
    await until(() => spawnSync("munge", ["-n", "-S", munge("socket")]).status === 0);
    this.#daemon("slurmctld", ["-D", "-i"]);
    this.#daemon("slurmd", ["-D"]);
    await until(() => this.run("sinfo", ["--noheader", "--format=%t"]).trim() === "idle");
  }

  /** What a client program prints. @throws when it fails */
  run(
    program: string,
    words: readonly string[],
    options: { readonly cwd?: string; readonly env?: object } = {},
  ): string {
    const env = { ...process.env, ...this.environment, ...options.env };
    const { stdout, stderr, status } = spawnSync(program, words, { encoding: "utf8", cwd: options.cwd, env });
    if (status !== 0) throw new Error(`${program}: ${stderr}`);
    return stdout;
  }

  /** A task's state in capitals, as `scontrol` tells it, and how often it was begun again. */
  task(job: string, index: number): { readonly state: string; readonly restarts: number } {
    const text = this.run("scontrol", ["show", "job", `${job}_${index}`]);
    const [, state = ""] = /JobState=(\w+)/.exec(text) ?? [];
    const [, restarts = ""] = /Restarts=(\d+)/.exec(text) ?? [];
    return { state, restarts: Number(restarts) };
  }

  /** What the daemons have to say, for a test that fails. */
  async logs(): Promise<string> {
    const names = ["slurmctld", "slurmd", "munged"];
    const texts = await Promise.all(
      names.map(async (name) => readFile(join(this.#folder, `${name}.out`), "utf8").catch(() => "")),
    );
    return texts.map((text, index) => `${names[index]}:\n${text.slice(-2000)}`).join("\n");
  }

  /** Ends what still runs, and the daemons. */
  async stop(): Promise<void> {
    if (this.#daemons.length > 1) {
      spawnSync("scancel", ["--user=root"], { env: { ...process.env, ...this.environment } });
      await until(() => this.run("squeue", ["--noheader"]).trim() === "").catch(() => {});
    }
    for (const daemon of this.#daemons.toReversed()) {
      const ended = new Promise((done) => daemon.once("exit", done));
      if (daemon.exitCode === null && daemon.kill("SIGTERM")) await ended;
    }
  }

  #daemon(program: string, words: readonly string[]): void {
    const out = openSync(join(this.#folder, `${program}.out`), "a");
    const env = { ...process.env, ...this.environment };
    this.#daemons.push(spawn(program, words, { stdio: ["ignore", out, out], env }));
    closeSync(out);
  }

  #configuration(socket: string): string {
    const host = hostname().split(".")[0];
    const at = (name: string): string => join(this.#folder, name);
    return [
      "ClusterName=test",
      `SlurmctldHost=${host}(127.0.0.1)`,
      "SlurmctldPort=16817",
      "SlurmdPort=16818",
      "SlurmUser=root",
      "AuthType=auth/munge",
      `AuthInfo=socket=${socket}`,
      `StateSaveLocation=${at("state")}`,
      `SlurmdSpoolDir=${at("spool")}`,
      `SlurmctldPidFile=${at("slurmctld.pid")}`,
      `SlurmdPidFile=${at("slurmd.pid")}`,
      "ProctrackType=proctrack/linuxproc",
      "TaskPlugin=task/affinity",
      "SelectType=select/cons_tres",
      "SelectTypeParameters=CR_CPU",
      "JobRequeue=1",
      "KillWait=5",
      `NodeName=${host} NodeAddr=127.0.0.1 CPUs=${availableParallelism()} State=UNKNOWN`,
      "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
      "",
    ].join("\n");
  }
}

/** Waits until something is so. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const so = await Promise.resolve()
      .then(holds)
      .catch(() => false);
    if (so) return;
    if (performance.now() > end) throw new Error("it did not come about in time");
    await setTimeout(100);
  }
}
