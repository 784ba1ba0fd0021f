import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** One list for each family: Node's would hold IPv4 addresses against the IPv6 range of mapped ones. */
function list(ranges: string): (address: string) => boolean {
  const type = ranges.includes(':') ? 'ipv6' : 'ipv4';
  const blocked = new BlockList();
  for (const range of ranges.trim().split(/\s+/)) {
    const [address = '', bits] = range.split('/');
    blocked.addSubnet(address, Number(bits), type);
  }
  return (address) => blocked.check(address, type);
}

/**
 * Cloud metadata, and what no operator can mean: this host, link-local, multicast and reserved. The single addresses
 * are Azure's, Alibaba's and Oracle's, in IPv6 Amazon's and Google's.
 */
const NEVER_4 = list(
  `0.0.0.0/8 169.254.0.0/16 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32 100.100.100.200/32 192.0.0.192/32`,
);
/** Also every range that carries an IPv4 address, in which any of the others could hide: mapped, NAT64, Teredo, 6to4 … */
const NEVER_6 =
  list(`::ffff:0:0/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 2001::/32 2002::/16 fe80::/10 fec0::/10 ff00::/8
   fd00:ec2::/32 fd20:ce::/32`);
/** IPv4-compatible, and the unspecified address; the loopback address lies in it. */
const COMPATIBLE = list(`::/96`);

/** IANA's special-purpose registry for IPv4. */
const LOCAL_4 =
  list(`10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
   192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24`);
/** IPv6: the one block of global unicast addresses, and what is special within it. */
const GLOBAL_6 = list(`2000::/3`);
const SPECIAL_6 = list(`2001::/23 2001:db8::/32 2620:4f:8000::/48 3fff::/20`);

/** Whether a resolved address may be dialled: a public one, as IANA's registries say. What is no address may not. */
export function isPublic(address: string): boolean {
  if (!isPinnable(address)) return false;
  return isIPv4(address) ? !LOCAL_4(address) : GLOBAL_6(address) && !SPECIAL_6(address);
}

/** Whether an operator may point a name at it: private and loopback too, metadata never. */
export function isPinnable(address: string): boolean {
  if (isIPv4(address)) return !NEVER_4(address);
  // A zone id names an interface, never a place of the outside.
  if (!isIPv6(address) || address.includes('%') || NEVER_6(address)) return false;
  return !COMPATIBLE(address) || new URL(`http://[${address}]`).hostname === '[::1]';
}
