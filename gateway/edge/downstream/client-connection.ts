// A client connection, whatever it speaks, as drain and re-spreading see it.

export interface ClientConnection {
  /** An exchange is under way, or a request is partly read. */
  readonly busy: boolean;
  /** Since when nothing was asked; Infinity while busy. */
  readonly idleSinceMs: number;
  /** It was told `drain`, or ends for another reason after what it has. */
  readonly retiring: boolean;
  /** It ends after what it has: HTTP/2 says GOAWAY, HTTP/1.1 closes with its next answer. */
  drain(): void;
  destroy(): void;
}
