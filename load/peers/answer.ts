// Reads one HTTP/1.1 answer at a time, as the load generator needs it: status, body, and whether the connection goes on.

export interface Answer {
  status: number;
  bodyStart: number;
  /** Of an answer with a length: where the next one starts. */
  bodyEnd: number;
  chunked: boolean;
  close: boolean;
}

const lf = 10;
const cr = 13;
const colon = 58;

function nameIs(bytes: Buffer, start: number, end: number, lowerCase: Buffer): boolean {
  if (end - start !== lowerCase.length) return false;
  for (let i = 0; i < lowerCase.length; i++) {
    if ((bytes[start + i]! | 0x20) !== lowerCase[i]) return false;
  }
  return true;
}

/** A number after optional spaces; −1 when it is none. */
function decimal(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] === 32) at++;
  if (at === end) return -1;
  let number = 0;
  for (; at < end; at++) {
    const digit = bytes[at]! - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

const contentLength = Buffer.from("content-length");
const transferEncoding = Buffer.from("transfer-encoding");
const connection = Buffer.from("connection");

/**
 * Reads the answer that starts at `start` into `answer`. False: not complete yet. A chunked one must be the last in the bytes. Throws on what is
 * not an answer with a framed body (every peer here sends one), so that the caller counts an error.
 */
export function readAnswer(bytes: Buffer, start: number, end: number, answer: Answer): boolean {
  let length = -1;
  answer.chunked = false;
  answer.close = false;
  let line = bytes.indexOf(lf, start) + 1;
  if (line === 0 || line > end) return false;
  answer.status = (bytes[start + 9]! - 48) * 100 + (bytes[start + 10]! - 48) * 10 + (bytes[start + 11]! - 48);
  for (;;) {
    if (line + 1 >= end) return false;
    if (bytes[line] === cr && bytes[line + 1] === lf) break;
    let at = line;
    while (at < end && bytes[at] !== colon) at++;
    const first = bytes[line]! | 0x20;
    const nameEnd = at;
    while (at < end && bytes[at] !== lf) at++;
    if (at >= end) return false;
    if (first === 0x63 /* c */) {
      if (nameIs(bytes, line, nameEnd, contentLength)) length = decimal(bytes, nameEnd + 1, at - 1);
      else if (nameIs(bytes, line, nameEnd, connection))
        answer.close =
          bytes
            .toString("latin1", nameEnd + 1, at - 1)
            .trim()
            .toLowerCase() === "close";
    } else if (first === 0x74 /* t */ && nameIs(bytes, line, nameEnd, transferEncoding)) {
      answer.chunked = true;
    }
    line = at + 1;
  }
  answer.bodyStart = line + 2;
  if (answer.chunked) {
    answer.bodyEnd = end;
    return bytes.toString("latin1", Math.max(answer.bodyStart, end - 5), end) === "0\r\n\r\n";
  }
  if (!(length >= 0)) throw new Error("an answer without content-length");
  answer.bodyEnd = answer.bodyStart + length;
  return end >= answer.bodyEnd;
}

/** Body of a chunked answer as one string. */
export function joinChunks(bytes: Buffer, start: number, end: number): string {
  let body = "";
  let at = start;
  for (;;) {
    const line = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, line), 16);
    if (!(size > 0) || line + 2 + size > end) return body;
    body += bytes.toString("latin1", line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
}
