import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll } from "vitest";

/** A server on this machine for the tests of one file; it ends with them, whatever hangs on it. */
export class LoopbackServer {
  /** `http://127.0.0.1:PORT` */
  origin = "";
  readonly requests: string[] = [];
  /** connections that are open */
  readonly sockets: Set<Socket> = new Set();

  constructor(answer: RequestListener) {
    let server: Server | undefined;
    beforeAll(async () => {
      server = createServer((request, response) => {
        this.requests.push(request.url ?? "");
        answer(request, response);
      });
      server.on("connection", (socket) => {
        this.sockets.add(socket);
        socket.on("error", () => {}).on("close", () => this.sockets.delete(socket));
      });
      await new Promise<void>((listening) => server?.listen(0, "127.0.0.1", listening));
      this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterAll(() => {
      for (const socket of this.sockets) socket.destroy();
      server?.close();
    });
  }
}
