// `grpc-status-details-bin`: a google.rpc.Status in protobuf, in base64 without padding (gRPC over HTTP/2, "Binary-Header").
import { messageField, numberField, textField } from "../../../routing/text/protobuf.ts";

/** With a google.rpc.RetryInfo: the call may come again in `retryMs`, above 0. */
export function retryDetails(grpcStatus: number, message: string, retryMs: number): string {
  const seconds = Math.floor(retryMs / 1000);
  const delay = [numberField(1, seconds), numberField(2, Math.round((retryMs - seconds * 1000) * 1e6))];
  const info = [textField(1, "type.googleapis.com/google.rpc.RetryInfo"), messageField(2, [messageField(1, delay)])];
  const status = [numberField(1, grpcStatus), textField(2, message.toWellFormed()), messageField(3, info)];
  return Buffer.concat(status).toString("base64").replace(/=+$/, "");
}
