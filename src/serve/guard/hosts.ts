import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** A host name or address as it stands in a URL, without a port: `[::1]` is `::1`. @returns undefined where it is neither */
export function hostNameOf(host: string): string | undefined {
  if (!/^[\w.:[\]-]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined;
  return new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, "");
}

/** Whether an address or a name can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  return isIP(name) !== 0 && ipaddr.process(name).range() === "loopback";
}

export interface HostListOptions {
  /** the address or name that the server listens at */
  readonly bound: string;
  /** further names. @default none */
  readonly allowed: readonly string[];
}

/**
 * The names under which the server may be called. A page of somebody else whose name was made to lead here (DNS rebinding)
 * still sends its own name in `Host`: https://nvd.nist.gov/vuln/detail/CVE-2024-28224.
 */
export class HostList {
  readonly #names: ReadonlySet<string>;
  readonly #wide: boolean;

  constructor({ bound, allowed }: HostListOptions) {
    this.#names = new Set([bound, ...allowed].map((name) => (hostNameOf(name) ?? name).toLowerCase()));
    this.#wide = !isLoopback(bound);
  }

  /** @param host the header, with or without a port */
  allows(host: string | undefined): boolean {
    const name = host === undefined ? undefined : hostNameOf(host)?.toLowerCase();
    if (name === undefined) return false;
    if (this.#names.has(name) || isLoopback(name)) return true;
    // an address is no name that somebody could make lead here
    return this.#wide && isIP(name) !== 0;
  }
}
