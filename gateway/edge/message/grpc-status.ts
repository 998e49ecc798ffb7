// The status of a gRPC call, as its caller reads it.
import { grpcStatusNames } from "../../grpc-statuses.ts";
import { readLength, type FieldList } from "../fields/fields.ts";
import { fieldAt } from "./response-fields.ts";

const unknown = 2;

/** The grpc-status of trailers, or of a head that has nothing else; −1: none. One that gRPC does not know is UNKNOWN. */
export function grpcStatusIn(list: FieldList): number {
  const slot = fieldAt(list, "grpc-status");
  if (slot < 0) return -1;
  const status = readLength(list.bytes, list.fields[slot + 2]!, list.fields[slot + 3]!);
  return status >= 0 && status < grpcStatusNames.length ? status : unknown;
}

/** How gRPC's libraries read a status of HTTP (gRPC, "HTTP to gRPC Status Code Mapping"). */
export function grpcStatusOfHttp(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return unknown;
  }
}
