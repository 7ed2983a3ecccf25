/** IPv4 arithmetic on unsigned 32-bit numbers: addresses, subnets, their first and last. Never throws. */

export interface Subnet {
  /** The network address: host bits are zero. */
  base: number;
  /** Prefix length, 0 to 32. */
  length: number;
}

/** `10.244.0.1` as a number; undefined for anything that is not four decimal octets without leading zeros. */
export function parseAddress(text: string): number | undefined {
  const octets = text.split(".");
  if (octets.length !== 4) return undefined;
  let address = 0;
  for (const octet of octets) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(octet)) return undefined;
    const value = Number(octet);
    if (value > 255) return undefined;
    address = address * 256 + value;
  }
  return address;
}

export function formatAddress(address: number): string {
  return [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join(".");
}

export interface AddressInSubnet {
  address: number;
  subnet: Subnet;
}

/** `10.244.0.1/24` as the address and the subnet that it is in; undefined where it is neither. */
export function parsePrefixed(text: string): AddressInSubnet | undefined {
  const [addressText = "", lengthText = "", ...rest] = text.split("/");
  const address = parseAddress(addressText);
  if (address === undefined || rest.length > 0 || !/^(0|[1-9][0-9]?)$/.test(lengthText)) return undefined;
  const length = Number(lengthText);
  return length > 32 ? undefined : { address, subnet: subnetOf(address, length) };
}

/** Like `parsePrefixed`, but undefined where host bits are set: `10.244.0.1/24` is not a subnet. */
export function parseSubnet(text: string): Subnet | undefined {
  const parsed = parsePrefixed(text);
  return parsed && parsed.address === parsed.subnet.base ? parsed.subnet : undefined;
}

export function subnetOf(address: number, length: number): Subnet {
  return { base: address - (address % subnetSize(length)), length };
}

export function formatSubnet(subnet: Subnet): string {
  return `${formatAddress(subnet.base)}/${subnet.length}`;
}

/** How many addresses a prefix length covers, network and broadcast address included. */
export function subnetSize(length: number): number {
  return 2 ** (32 - length);
}

/** The last address: the broadcast address of any subnet shorter than /31. */
export function lastAddress(subnet: Subnet): number {
  return subnet.base + subnetSize(subnet.length) - 1;
}

export function holdsAddress(subnet: Subnet, address: number): boolean {
  return address >= subnet.base && address <= lastAddress(subnet);
}

export function subnetsOverlap(a: Subnet, b: Subnet): boolean {
  return a.base <= lastAddress(b) && b.base <= lastAddress(a);
}
