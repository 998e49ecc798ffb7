// BodyLook: how a step sees the body of a request as it passes.
import type { FieldList } from "../fields/fields.ts";

/** `complete`: the body came to its end. `cut`: no more of it comes, because the request failed or the client left. */
export type BodyEnd = "complete" | "cut";

/**
 * Delays nothing and changes nothing. Bytes are those of the message: chunks are taken apart, padding is gone, and gRPC-Web is gRPC. A content-encoding and the compression of a
 * message of gRPC stay as they are. A call that throws ends its request with a fault of the gateway (500), and nothing else. A body of no bytes has no piece. Tunnels have no looks.
 */
export interface BodyLook {
  /** `bytes[start..end)`, valid during the call. Cut anywhere. A step that wants to keep bytes copies them, within a bound of its own. */
  piece(bytes: Buffer, start: number, end: number): void;
  /** Called once, whatever happens. `trailers`: of a complete body, valid during the call; null: it has none. */
  ended(end: BodyEnd, trailers: FieldList | null): void;
}
