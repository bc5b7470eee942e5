import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A file of a repository. Files of `lfs` are redirected to the storage host, as the hub does with large ones. */
export interface ServedFile {
  readonly bytes: Uint8Array;
  readonly lfs: boolean;
  /** A file too large for memory, served from the disk instead of `bytes`; no fault can be put into it. */
  readonly stored?: { readonly path: string; readonly size: number; readonly sha256: string } | undefined;
}

function sizeOf({ bytes, stored }: ServedFile): number {
  return stored?.size ?? bytes.byteLength;
}

function sha256Of({ bytes, stored }: ServedFile): string {
  return stored?.sha256 ?? createHash("sha256").update(bytes).digest("hex");
}

/** What the storage (or, for small files, the hub) does with one request; without a rule it behaves. */
export type Fault =
  /** answers with this status and these headers instead */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Record<string, string>;
      /** of the API only */
      readonly body?: string;
    }
  /** one byte in the middle is another one */
  | { readonly kind: "corrupt" }
  /** the connection ends after this many bytes of the body */
  | { readonly kind: "truncate"; readonly after: number }
  /** nothing comes any more after this many bytes of the body */
  | { readonly kind: "stall"; readonly after: number }
  /** a body that is shorter than the file, with a length to match */
  | { readonly kind: "shorter"; readonly by: number }
  /** `Range` is not understood: 200 and everything, or the first `after` bytes of it */
  | { readonly kind: "ignore-range"; readonly after?: number }
  /** 206 with another range than was asked for */
  | { readonly kind: "wrong-range" };

export interface Request {
  readonly host: "hub" | "storage";
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly status: number;
  /** bytes of the body that were handed to the socket */
  sent: number;
}

export interface HubServerOptions {
  readonly repo: string;
  readonly files: Readonly<Record<string, ServedFile>>;
  /** Other repositories, at the same commit; what is counted of their files is under `OWNER/REPO/NAME`. @default none */
  readonly others?: Readonly<Record<string, Readonly<Record<string, ServedFile>>>>;
  /** @default a commit made of one letter */
  readonly commit?: string;
  /** entries on a page of the file list. @default 3 */
  readonly pageSize?: number;
  /** bytes a second of each transfer. @default as fast as it goes */
  readonly bytesPerSecond?: number;
}

/** Long enough for what was sent to be taken from the socket before the connection breaks. */
const ARRIVAL_MS = 150;
const PIECE = 16 * 1024;

export function gitSha1(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex");
}

/**
 * A loopback server with the manners of the Hugging Face hub: the paged tree API, revisions, `/resolve/` with its
 * headers, and a storage host of its own (another port and another host name) for large files.
 */
export class HubServer {
  readonly requests: Request[] = [];
  readonly repo: string;
  readonly files: Map<string, ServedFile>;
  commit: string;
  /** asked before each answer about a file; the first fault wins */
  fault: (path: string, request: { host: "hub" | "storage"; count: number }) => Fault | undefined = () =>
    undefined;
  /** answers of the API, by `tree` or `revision` */
  apiFault: (verb: string, count: number) => Fault | undefined = () => undefined;
  /** a hash to list instead of the true one, by path */
  readonly listedHash: Map<string, string> = new Map();
  /** goes into every ETag of the storage: another value is another ETag for the same bytes */
  etagSalt: string = "";
  /** only this token opens the repository */
  requiredToken: string | undefined;
  gated: boolean = false;
  bytesPerSecond: number | undefined;
  readonly #others: readonly string[];
  readonly #pageSize: number;
  readonly #counts = new Map<string, number>();
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor(options: HubServerOptions) {
    this.repo = options.repo;
    this.files = new Map(Object.entries(options.files));
    const { others = {} } = options;
    this.#others = Object.keys(others);
    for (const [repo, files] of Object.entries(others)) {
      for (const [name, file] of Object.entries(files)) this.files.set(`${repo}/${name}`, file);
    }
    this.commit = options.commit ?? "c".repeat(40);
    this.bytesPerSecond = options.bytesPerSecond;
    this.#pageSize = options.pageSize ?? 3;
    this.#hub = createServer((request, response) => void this.#answer("hub", request, response));
    this.#storage = createServer((request, response) => void this.#answer("storage", request, response));
  }

  static async start(options: HubServerOptions): Promise<HubServer> {
    const server = new HubServer(options);
    await Promise.all(
      [server.#hub, server.#storage].map(
        async (one) => new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve)),
      ),
    );
    return server;
  }

  /** The files of one repository, by the names that it gives them. */
  filesOf(repo: string): [string, ServedFile][] {
    const all = [...this.files];
    if (repo !== this.repo) {
      return all.flatMap(([key, file]) =>
        key.startsWith(`${repo}/`) ? [[key.slice(repo.length + 1), file] as [string, ServedFile]] : [],
      );
    }
    return all.filter(([key]) => !this.#others.some((other) => key.startsWith(`${other}/`)));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  /** Bytes of the body of one file, or of all, that were sent so far. */
  sent(path?: string): number {
    return this.requests
      .filter((request) => request.status < 300 && isFileBody(request, path))
      .reduce((sum, request) => sum + request.sent, 0);
  }

  count(path: string): number {
    return this.requests.filter((request) => request.path.includes(path)).length;
  }

  async close(): Promise<void> {
    for (const one of [this.#hub, this.#storage]) {
      one.closeAllConnections();
      await new Promise((resolve) => one.close(resolve));
    }
  }

  async #answer(host: "hub" | "storage", request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://localhost");
    const path = decodeURIComponent(url.pathname);
    const finish = (status: number, headers: Record<string, string>, body = ""): Request => {
      const record = this.#record(host, request, path, status);
      response.writeHead(status, headers);
      response.end(body);
      return record;
    };
    response.on("error", () => undefined);
    if (host === "storage") {
      await this.#serve("storage", path.replace(/^\/stored\//, ""), request, response);
      return;
    }
    if (
      this.requiredToken !== undefined &&
      request.headers.authorization !== `Bearer ${this.requiredToken}`
    ) {
      finish(this.gated ? 403 : 401, { "x-error-code": this.gated ? "GatedRepo" : "RepoNotFound" });
      return;
    }
    const api = /^\/api\/models\/([^/]+\/[^/]+)\/(tree|revision)\/([^/]+)$/.exec(path);
    if (api !== null) {
      this.#answerApi(api, url, finish);
      return;
    }
    const file = /^\/([^/]+\/[^/]+)\/resolve\/([0-9a-f]{40})\/(.+)$/.exec(path);
    const [, repo = "", commit, inRepo = ""] = file ?? [];
    const known = repo === this.repo || this.#others.includes(repo);
    const name = repo === this.repo ? inRepo : `${repo}/${inRepo}`;
    const served = this.files.get(name);
    if (!known || commit !== this.commit || served === undefined) {
      finish(404, { "x-error-code": known ? "EntryNotFound" : "RepoNotFound" });
      return;
    }
    if (!served.lfs) {
      await this.#serve("hub", name, request, response);
      return;
    }
    finish(302, {
      location: `http://localhost:${(this.#storage.address() as AddressInfo).port}/stored/${name}?signature=x`,
      "x-repo-commit": this.commit,
      "x-linked-size": String(sizeOf(served)),
      "x-linked-etag": `"${this.listedHash.get(name) ?? sha256Of(served)}"`,
    });
  }

  #answerApi(
    api: RegExpExecArray,
    url: URL,
    finish: (status: number, headers: Record<string, string>, body?: string) => void,
  ): void {
    const [, repo = "", verb = "", revision] = api;
    const fault = this.apiFault(verb, this.#next(verb));
    if (fault?.kind === "status") return finish(fault.status, fault.headers ?? {}, fault.body ?? "{}");
    if (repo !== this.repo && !this.#others.includes(repo)) {
      return finish(404, { "x-error-code": "RepoNotFound" });
    }
    if (revision !== "main" && revision !== this.commit) {
      return finish(404, { "x-error-code": "RevisionNotFound" });
    }
    const json = { "content-type": "application/json" };
    if (verb === "revision") return finish(200, json, JSON.stringify({ id: repo, sha: this.commit }));
    const entries = [
      { type: "directory", oid: "d".repeat(40), size: 0, path: "assets" },
      ...this.filesOf(repo).map(([path, file]) => ({
        type: "file",
        path,
        size: sizeOf(file),
        oid: this.listedHash.get(path) ?? gitSha1(file.bytes),
        ...(file.lfs && {
          oid: "e".repeat(40),
          lfs: { oid: this.listedHash.get(path) ?? sha256Of(file), size: sizeOf(file), pointerSize: 134 },
        }),
      })),
    ];
    const from = Number(url.searchParams.get("cursor") ?? 0);
    const next = from + this.#pageSize;
    const link = `<${this.endpoint}${url.pathname}?recursive=1&cursor=${next}>; rel="next"`;
    return finish(
      200,
      { ...json, ...(next < entries.length ? { link } : {}) },
      JSON.stringify(entries.slice(from, next)),
    );
  }

  async #serve(
    host: "hub" | "storage",
    name: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const file = this.files.get(name);
    if (file === undefined) throw new Error(`not served: ${name}`);
    const fault = this.fault(name, { host, count: this.#next(name) });
    const url = host === "hub" ? `/resolve/${name}` : `/stored/${name}`;
    if (fault?.kind === "status") {
      this.#record(host, request, url, fault.status);
      response.writeHead(fault.status, fault.headers ?? {}).end();
      return;
    }
    const etag = `"${createHash("md5")
      .update(this.etagSalt)
      .update(file.stored?.sha256 ?? file.bytes)
      .digest("hex")}"`;
    const whole = sizeOf(file);
    const [, asked, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    const valid = request.headers["if-range"] === undefined || request.headers["if-range"] === etag;
    const ranged = asked !== undefined && valid && fault?.kind !== "ignore-range";
    const from = ranged ? Number(asked) : 0;
    if (ranged && from >= whole) {
      this.#record(host, request, url, 416);
      response.writeHead(416, { "content-range": `bytes */${whole}` }).end();
      return;
    }
    const start = ranged && fault?.kind === "wrong-range" ? 0 : from;
    const stop = ranged && last !== undefined && last !== "" ? Math.min(Number(last) + 1, whole) : whole;
    let body = Buffer.from(file.bytes.subarray(start, stop));
    if (fault?.kind === "corrupt") {
      const middle = Math.floor(body.byteLength / 2);
      body[middle] = (body[middle] ?? 0) ^ 0x20;
    }
    if (fault?.kind === "shorter") body = body.subarray(0, body.byteLength - fault.by);
    const record = this.#record(host, request, url, ranged ? 206 : 200);
    response.writeHead(ranged ? 206 : 200, {
      etag,
      "content-length": String(file.stored === undefined ? body.byteLength : stop - start),
      "accept-ranges": "bytes",
      ...(ranged ? { "content-range": `bytes ${start}-${stop - 1}/${whole}` } : {}),
      ...(host === "hub" ? { "x-repo-commit": this.commit } : {}),
    });
    if (file.stored !== undefined) {
      for await (const piece of createReadStream(file.stored.path, {
        start,
        end: stop - 1,
        highWaterMark: 64 * PIECE,
      })) {
        await this.#send(response, piece as Buffer, record);
        if (response.destroyed) return;
      }
      response.end();
      return;
    }
    const end = fault !== undefined && "after" in fault ? fault.after : undefined;
    await this.#send(response, body.subarray(0, end), record);
    if (fault?.kind === "stall") return;
    if (end === undefined) return void response.end();
    await sleep(ARRIVAL_MS);
    response.destroy();
  }

  async #send(response: ServerResponse, body: Buffer, record: Request): Promise<void> {
    for (let offset = 0; offset < body.byteLength && !response.destroyed; offset += PIECE) {
      const piece = body.subarray(offset, offset + PIECE);
      await new Promise((resolve) => {
        response.once("close", resolve);
        response.write(piece, resolve);
      });
      response.removeAllListeners("close");
      if (!response.destroyed) record.sent += piece.byteLength;
      const rate = this.bytesPerSecond;
      if (rate !== undefined) await sleep((piece.byteLength / rate) * 1000);
    }
  }

  #next(key: string): number {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count;
  }

  #record(host: "hub" | "storage", request: IncomingMessage, path: string, status: number): Request {
    const { authorization, range } = request.headers;
    const ifRange = request.headers["if-range"]?.toString();
    const record: Request = {
      host,
      method: request.method ?? "",
      path,
      authorization,
      range,
      ifRange,
      status,
      sent: 0,
    };
    this.requests.push(record);
    return record;
  }
}

function isFileBody(request: Request, path: string | undefined): boolean {
  const name = /\/(?:stored|resolve)\/(.+)$/.exec(request.path)?.[1];
  return name !== undefined && (path === undefined || name === path);
}
