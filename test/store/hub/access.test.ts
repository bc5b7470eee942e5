import { mkdir, writeFile } from "node:fs/promises";
import { createServer, request as forward, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { hubSettings } from "../../../src/store/hub/settings.ts";
import { scratch } from "../scratch.ts";
import { HubPlace, REPO } from "./hub-place.ts";

const TOKEN = "hf_secretSecretSecret";

describe("the token", () => {
  it("goes to the hub and never to the storage that the hub redirects to", async () => {
    const place = await HubPlace.open();
    place.server.requiredToken = TOKEN;
    place.env["HF_TOKEN"] = TOKEN;
    await place.pull();
    const { requests } = place.server;
    const toHub = requests.filter(({ host }) => host === "hub");
    const toStorage = requests.filter(({ host }) => host === "storage");
    expect(toHub.every(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(true);
    expect(toStorage).toHaveLength(3);
    expect(toStorage.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it.each([
    ["HF_TOKEN_PATH", "elsewhere/token"],
    ["HF_HOME", "hf-home/token"],
  ])("is read from a file by %s", async (variable, path) => {
    const folder = await scratch();
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), `${TOKEN}\n`);
    const value = variable === "HF_HOME" ? join(folder, "hf-home") : join(folder, path);
    expect((await hubSettings({ HF_HOME: folder, [variable]: value })).token).toBe(TOKEN);
    expect((await hubSettings({ [variable]: value, HF_TOKEN: "hf_other" })).token).toBe("hf_other");
  });

  it("is refused without being shown when it cannot be one", async () => {
    const refused = hubSettings({ HF_TOKEN: `${TOKEN}\nx: y` });
    await expect(refused).rejects.toMatchObject({ code: "usage" });
    await expect(refused).rejects.not.toThrow(TOKEN);
  });
});

describe("a repository that is not open", () => {
  it("is gated: says how to be let in", async () => {
    const place = await HubPlace.open();
    place.server.requiredToken = TOKEN;
    place.server.gated = true;
    await expect(place.pull()).rejects.toMatchObject({
      code: "access",
      message: expect.stringContaining("owner/sloth is gated"),
      hint: expect.stringMatching(/accept its terms, then log in with `hf auth login`, or set HF_TOKEN/),
    });
    expect(place.server.requests).toHaveLength(1);
  });

  it("is private: 401 without a token, and with a wrong one", async () => {
    const place = await HubPlace.open();
    place.server.requiredToken = TOKEN;
    await expect(place.pull()).rejects.toMatchObject({
      code: "access",
      hint: expect.stringContaining("log in with"),
    });
    place.env["HF_TOKEN"] = "hf_wrong";
    await expect(place.pull()).rejects.toMatchObject({
      code: "access",
      hint: expect.stringContaining("check that the token may read it"),
    });
  });

  it.each([
    ["hf:owner/slot", "has no owner/slot (HTTP 404)"],
    [`hf:${REPO}@v9`, "no such revision"],
  ])("does not exist: %s", async (model, message) => {
    const place = await HubPlace.open();
    await expect(place.pull({ model })).rejects.toMatchObject({
      code: "model-missing",
      message: expect.stringContaining(message),
    });
  });

  it("lacks a file that the model needs", async () => {
    const place = await HubPlace.open();
    place.server.files.delete("model-00002-of-00003.safetensors");
    await expect(place.pull()).rejects.toThrow(
      '"model-00002-of-00003.safetensors" is named by model.safetensors.index.json and missing',
    );
    place.server.files.delete("config.json");
    await expect(place.pull()).rejects.toThrow("no config.json");
  });

  it("names a shard outside its folder: refused", async () => {
    const place = await HubPlace.open();
    const index = JSON.stringify({ weight_map: { "a.b": "../../../etc/passwd.safetensors" } });
    place.server.files.set("model.safetensors.index.json", { bytes: Buffer.from(index), lfs: false });
    await expect(place.pull()).rejects.toMatchObject({ code: "checkpoint-invalid" });
  });
});

describe("redirects", () => {
  it.each(["file:///etc/passwd", "ftp://example.org/x", "http://["])(
    "to %s are refused",
    async (location) => {
      const place = await HubPlace.open();
      place.server.apiFault = () => ({ kind: "status", status: 302, headers: { location } });
      await expect(place.pull()).rejects.toThrow("not safe to follow");
    },
  );

  it("without end are ended", async () => {
    const place = await HubPlace.open();
    place.server.apiFault = () => ({
      kind: "status",
      status: 307,
      headers: { location: `/api/models/${REPO}/revision/main` },
    });
    await expect(place.pull()).rejects.toThrow("redirects without end");
  });
});

describe("settings", () => {
  it.each(["not an address", "ftp://hub"])("refuse HF_ENDPOINT=%s", async (endpoint) => {
    await expect(hubSettings({ HF_ENDPOINT: endpoint })).rejects.toMatchObject({ code: "usage" });
  });

  it("take a mirror's path, with or without a slash", async () => {
    expect((await hubSettings({ HF_ENDPOINT: "https://mirror.example/hf/" })).endpoint).toBe(
      "https://mirror.example/hf",
    );
  });

  it.each([
    ["1", true],
    ["true", true],
    ["0", false],
    ["", false],
  ])("read HF_HUB_OFFLINE=%j as %s", async (value, offline) => {
    expect((await hubSettings({ HF_HUB_OFFLINE: value })).offline).toBe(offline);
  });
});

/** A forward proxy; `seen` are the hosts that it was asked to reach. */
async function startProxy(): Promise<{ address: string; seen: string[] }> {
  const seen: string[] = [];
  const proxy: Server = createServer((incoming, outgoing) => {
    const url = new URL(incoming.url ?? "");
    seen.push(url.host);
    const passed = forward(url, { method: incoming.method, headers: incoming.headers }, (response) => {
      outgoing.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(outgoing);
    });
    incoming.pipe(passed);
  });
  proxy.on("connect", (incoming, socket) => {
    const { hostname, port, host } = new URL(`http://${incoming.url}`);
    seen.push(host);
    const onward = connect(Number(port), hostname, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    socket.on("error", () => onward.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { address: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen };
}

describe("a proxy in the environment", () => {
  it("carries every request, and none to a host in NO_PROXY", async () => {
    const { address, seen } = await startProxy();
    for (const name of ["http_proxy", "HTTP_PROXY"]) vi.stubEnv(name, address);
    for (const name of ["no_proxy", "NO_PROXY"]) vi.stubEnv(name, "");
    onTestFinished(() => {
      vi.unstubAllEnvs();
    });
    const place = await HubPlace.open();
    await place.pull();
    expect(new Set(seen.map((host) => host.split(":")[0]))).toEqual(new Set(["127.0.0.1", "localhost"]));
    seen.length = 0;
    for (const name of ["no_proxy", "NO_PROXY"]) vi.stubEnv(name, "127.0.0.1,localhost");
    await (await HubPlace.open()).pull();
    expect(seen).toEqual([]);
  });
});
