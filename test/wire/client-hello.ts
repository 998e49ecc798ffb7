// A ClientHello as bytes (RFC 8446 §4.1.2), in records of any length.

export function counted(size: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(size);
  length.writeUIntBE(body.length, 0, size);
  return Buffer.concat([length, body]);
}
export const bytesOf = (hex: string): Buffer => Buffer.from(hex, "hex");
export const extension = (type: string, ...parts: readonly Buffer[]): Buffer =>
  Buffer.concat([bytesOf(type), counted(2, ...parts)]);
export const serverName = (name: string): Buffer =>
  extension("0000", counted(2, bytesOf("00"), counted(2, Buffer.from(name, "latin1"))));

export function helloOf(...extensions: readonly Buffer[]): Buffer {
  return Buffer.concat([
    bytesOf("01"),
    counted(
      3,
      bytesOf("0303"),
      Buffer.alloc(32),
      counted(1, Buffer.alloc(32)),
      counted(2, bytesOf("1301")),
      counted(1, bytesOf("00")),
      counted(2, ...extensions),
    ),
  ]);
}

/** One of so many bytes, head of the message included. */
export function clientHello(size: number, ...extensions: readonly Buffer[]): Buffer {
  const least = helloOf(...extensions, extension("ffff")).length;
  return helloOf(...extensions, extension("ffff", Buffer.alloc(size - least)));
}

/** The message in records of at most so many bytes. */
export function records(whole: Buffer, most = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length; at += most)
    parts.push(bytesOf("160301"), counted(2, whole.subarray(at, at + most)));
  return Buffer.concat(parts);
}
