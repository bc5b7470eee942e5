import type { Server } from "node:http";
import { FlashSlothError, messageOf, systemCode } from "../core/errors.ts";

/** Listens at an address. @returns its URL @throws `usage` */
export async function listen(server: Server, host: string, port: number): Promise<string> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port }, () => {
        server.off("error", reject);
        resolve();
      });
    });
  } catch (error) {
    throw new FlashSlothError("usage", `${host}:${port} cannot be listened at: ${reasonOf(error)}`, {
      hint: "choose another with --port or --host; --port 0 takes any that is free",
      cause: error,
    });
  }
  const address = server.address();
  const taken = typeof address === "object" && address !== null ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host}:${taken}`;
}

function reasonOf(error: unknown): string {
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return "another program does already";
    case "EACCES":
      return "this user may not";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "this machine has no such address";
    default:
      return messageOf(error);
  }
}
