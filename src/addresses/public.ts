import ipaddr from "ipaddr.js";

/**
 * Whether an address belongs to the public internet: not to this machine, a private network, a cloud's metadata service, or
 * a form that stands for one of those (IPv4 inside IPv6, by mapping or translation).
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== "unicast") return false;
  // of IPv6 only 2000::/3 is given out: https://www.iana.org/assignments/ipv6-address-space
  return parsed instanceof ipaddr.IPv4 || ((parsed.parts[0] ?? 0) & 0xe000) === 0x2000;
}
