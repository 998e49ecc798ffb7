// Bytes that may be a text.

/** Throws nothing: a stranger's answer may have a million texts that are none. */
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

/** UTF-8; bytes that are none in hexadecimal. Equal bytes give equal texts, and others others. */
export function bytesText(bytes: Uint8Array): string {
  const text = lenient.decode(bytes);
  if (!text.includes("\ufffd") || Buffer.from(text).equals(bytes)) return text;
  return `0x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex")}`;
}
