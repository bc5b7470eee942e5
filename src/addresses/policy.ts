import { lookup as systemLookup, type LookupAddress, type LookupAllOptions } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { FlashSlothError } from "../core/errors.ts";

/** Whether a picture may be fetched from an IP address, in its usual notation. */
export type AllowAddress = (address: string) => boolean;

/** What gives the addresses of a name, as `dns.lookup` does. */
export type LookupNames = (
  hostname: string,
  options: LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** @throws `image-unreadable` for a host that is itself an address which is not allowed: such are never looked up */
export function checkHost(url: URL, allow: AllowAddress | undefined): void {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (allow !== undefined && isIP(host) !== 0 && !allow(host)) throw notAllowed(url.hostname);
}

/** Looks names up, and gives of their addresses those that are allowed: what was checked is what is connected to. */
export function checkedLookup(allow: AllowAddress, lookup: LookupNames = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, "", 0);
        return;
      }
      const allowed = addresses.filter(({ address }) => allow(address));
      const [first] = allowed;
      if (first === undefined) callback(notAllowed(hostname), "", 0);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function notAllowed(host: string): FlashSlothError {
  return new FlashSlothError("image-unreadable", `pictures may not be fetched from ${host}`);
}
