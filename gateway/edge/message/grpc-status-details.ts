// `grpc-status-details-bin`: a google.rpc.Status in protobuf, in base64 without padding (gRPC over HTTP/2, "Binary-Header").

const retryInfoType = Buffer.from("type.googleapis.com/google.rpc.RetryInfo");

/** With a google.rpc.RetryInfo: the call may come again in `retryMs`, above 0. */
export function retryDetails(grpcStatus: number, message: string, retryMs: number): string {
  const seconds = Math.floor(retryMs / 1000);
  const delay = Buffer.concat([numberField(1, seconds), numberField(2, Math.round((retryMs - seconds * 1000) * 1e6))]);
  const info = Buffer.concat([bytesField(1, retryInfoType), bytesField(2, bytesField(1, delay))]);
  const status = Buffer.concat([
    numberField(1, grpcStatus),
    bytesField(2, Buffer.from(message.toWellFormed())),
    bytesField(3, info),
  ]);
  return status.toString("base64").replace(/=+$/, "");
}

/** A number of 0 or more; 0 is not written. */
function numberField(field: number, value: number): Buffer {
  return value === 0 ? Buffer.alloc(0) : Buffer.from([field << 3, ...varint(value)]);
}

function bytesField(field: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(bytes.length)]), bytes]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return [...bytes, rest];
}
