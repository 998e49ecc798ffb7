// Bytes that may be a text.

const strict = new TextDecoder("utf-8", { fatal: true });

/** UTF-8; bytes that are none in hexadecimal. Equal bytes give equal texts, and others others. */
export function bytesText(bytes: Uint8Array): string {
  try {
    return strict.decode(bytes);
  } catch {
    return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`;
  }
}
