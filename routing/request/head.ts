// The request as the core sees it: positions in byte buffers, so that the data plane decides without making a string.

/**
 * One request head. The data plane keeps one object and fills it again for each request; `headOf` makes one from text.
 * Bytes are as sent, never decoded. A range is empty when its start equals its end.
 */
export class RequestHead {
  /** Holds method, authority and fields. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Holds canonical path and query: `bytes` itself unless the path had to be made canonical (routing rule 1). */
  pathBytes: Uint8Array = new Uint8Array(0);
  pathStart = 0;
  /** End of the path without the query. */
  pathEnd = 0;
  /** After the `?`; empty when there is no query. */
  queryStart = 0;
  queryEnd = 0;
  methodStart = 0;
  methodEnd = 0;
  /** Host or :authority with its port; empty: the request names none, which only one of HTTP/1.0 may. */
  authorityStart = 0;
  authorityEnd = 0;
  fieldCount = 0;
  /** Four numbers a field: name start, name end, value start, value end (value without surrounding whitespace). Names may be in any case. */
  fields: Int32Array;
  /** A gRPC call: content-type `application/grpc` or `application/grpc+…`. */
  grpc = false;
  /** Steps of regexes in the last decision (routing/regex/matching.ts); 0: none was asked. */
  regexSteps = 0;
  /** Texts that were too long for a regex. Means something only where there are steps. */
  unmatchedTexts = 0;

  /** `room`: fields that it can hold. */
  constructor(room = 128) {
    this.fields = new Int32Array(4 * room);
  }
}
