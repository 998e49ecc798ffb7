// Headers of the PROXY protocol as a balancer writes them, and such with something wrong.
import { binaryHeader, field, ipv4Block, ipv6Block, lineHeader } from "../wire/balancer.ts";
import type { Draws } from "./draws.ts";
import { mutated } from "./mutation.ts";

/** The address of peers of which a header is asked. */
export const balancerAddress = "127.0.0.2";

export interface ProxyCase {
  readonly header: Buffer;
  /** It is as it should be. */
  readonly whole: boolean;
}

export function proxyHeader(draws: Draws): ProxyCase {
  const fields = Buffer.concat(
    Array.from({ length: draws.below(4) }, () =>
      field(4 + draws.below(200), Buffer.alloc(draws.below(60), draws.below(256))),
    ),
  );
  const header = draws.any([
    lineHeader(`TCP4 192.0.2.${draws.below(256)} 192.0.2.1 ${draws.below(65_536)} 443`),
    lineHeader("TCP6 2001:db8::7 ::1 1 2"),
    lineHeader("UNKNOWN"),
    binaryHeader(0x20, 0, Buffer.alloc(0)),
    binaryHeader(0x21, 0x11, ipv4Block([192, 0, 2, draws.below(256)], fields)),
    binaryHeader(0x21, 0x21, ipv6Block("20010db8000000000000000000000007", fields)),
  ]);
  return draws.chance(0.6)
    ? { header, whole: true }
    : { header: Buffer.from(mutated(draws, header.toString("latin1")), "latin1"), whole: false };
}
