// The Host of a copy for a shadow.
import type { OutBuffer } from "../io/out-buffer.ts";
import type { WireRequestHead } from "./request-head.ts";

const crlf = Buffer.from("\r\n");
const hostName = Buffer.from("host: ");
const shadowSuffix = Buffer.from("-shadow");

/** The Host that the primary is sent, with `-shadow` after the name and before the port. */
export function writeShadowHost(out: OutBuffer, head: WireRequestHead, hostLine: Buffer | null): void {
  const source = hostLine ?? head.bytes;
  const start = hostLine === null ? head.authorityStart : hostName.length;
  const end = hostLine === null ? head.authorityEnd : hostLine.length - crlf.length;
  let nameEnd = end;
  for (let at = end - 1; at >= start && source[at] !== 0x5d; at--) {
    if (source[at] === 0x3a) {
      nameEnd = at;
      break;
    }
  }
  out.putAll(hostName);
  out.put(source, start, nameEnd);
  out.putAll(shadowSuffix);
  out.put(source, nameEnd, end);
  out.putAll(crlf);
}
