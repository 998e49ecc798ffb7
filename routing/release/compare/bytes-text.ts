// Bytes that may be a text.

/** UTF-8; bytes that are none in hexadecimal. Equal bytes give equal texts, and others others. Throws nothing: a stranger's answer may have many texts that are none. */
export function bytesText(bytes: Uint8Array): string {
  if (bytes.length === 0) return "";
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString();
  return !text.includes("\ufffd") || Buffer.from(text).equals(bytes) ? text : `0x${buffer.toString("hex")}`;
}
