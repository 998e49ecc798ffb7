// Mutation of bytes: a few changes, with the bytes and words at which parsers part.
import type { Draws } from "./draws.ts";

const splices = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  "\0",
  " ",
  "\t",
  ":",
  ",",
  ";",
  "\x0b",
  "\x7f",
  "\xff",
  "0",
  "5",
  "f",
  "-",
  "+",
  "%",
  "%2e",
  "..",
  "/",
  "\\",
  "#",
  "?",
  "HTTP/1.1",
  "ZZ\r\n",
  "0\r\n\r\n",
  "5\r\nhello\r\n",
  "ffffffffffffffff\r\n",
  "Host: b\r\n",
  "Content-Length: 3\r\n",
  "Content-Length: 99999999999\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Connection: upgrade\r\n",
  "Upgrade: websocket\r\n",
  "Expect: 100-continue\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
];

/** `text` (latin1) with one to four changes: cut, doubled, moved, replaced or spliced in. */
export function mutated(draws: Draws, text: string): string {
  let bytes = text;
  for (let count = 1 + draws.below(4); count > 0; count--) {
    const at = draws.below(bytes.length + 1);
    const length = draws.below(draws.chance(0.1) ? 200 : 8);
    const piece = bytes.slice(at, at + length);
    switch (draws.below(6)) {
      case 0:
        bytes = bytes.slice(0, at) + draws.any(splices) + bytes.slice(at);
        break;
      case 1:
        bytes = bytes.slice(0, at) + bytes.slice(at + length);
        break;
      case 2:
        bytes = bytes.slice(0, at) + piece + bytes.slice(at);
        break;
      case 3:
        bytes = bytes.slice(0, at) + String.fromCharCode(draws.below(256)) + bytes.slice(at + 1);
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      default: {
        const rest = bytes.slice(0, at) + bytes.slice(at + length);
        const to = draws.below(rest.length + 1);
        bytes = rest.slice(0, to) + piece + rest.slice(to);
      }
    }
  }
  return bytes;
}
