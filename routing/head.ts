// The request as the core sees it: positions in byte buffers, so that the data plane decides without making a string.
import { byteText } from './bytes.ts';

/**
 * One request head. The data plane keeps one object and fills it again for each request; `headOf` makes one from text.
 * Bytes are as sent, never decoded. A range is empty when its start equals its end.
 */
export class RequestHead {
  /** Holds method, authority and fields. */
  bytes: Uint8Array = new Uint8Array(0);
  /** Holds canonical path and query: `bytes` itself unless the path had to be made canonical (design §4.1). */
  pathBytes: Uint8Array = new Uint8Array(0);
  pathStart = 0;
  /** End of the path without the query. */
  pathEnd = 0;
  /** After the `?`; empty when there is no query. */
  queryStart = 0;
  queryEnd = 0;
  methodStart = 0;
  methodEnd = 0;
  /** Host or :authority with its port. */
  authorityStart = 0;
  authorityEnd = 0;
  fieldCount = 0;
  /** Four numbers a field: name start, name end, value start, value end (value without surrounding whitespace). Names may be in any case. */
  fields: Int32Array = new Int32Array(4 * 128);
  /** A gRPC call: content-type `application/grpc` or `application/grpc+…`. */
  grpc = false;
  /** Steps of regexes in the last decision (routing/matching.ts); 0: none was asked. */
  regexSteps = 0;
  /** Texts that were too long for a regex. Means something only where there are steps. */
  unmatchedTexts = 0;
}

/** What `headOf` takes. */
export interface HeadText {
  readonly method: string;
  /** Canonical path, with its query if any. */
  readonly path: string;
  readonly host: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly grpc: boolean;
}

/** A head from text, which is sent as UTF-8: for `explain`, goldens and tests. */
export function headOf(text: HeadText): RequestHead {
  const head = new RequestHead();
  let all = '';
  const put = (part: string): number => {
    all += byteText(part);
    return all.length;
  };
  head.methodStart = 0;
  head.methodEnd = put(text.method);
  const mark = text.path.indexOf('?');
  head.pathStart = all.length;
  head.pathEnd = put(mark < 0 ? text.path : text.path.slice(0, mark));
  head.queryStart = mark < 0 ? head.pathEnd : put('?');
  head.queryEnd = mark < 0 ? head.pathEnd : put(text.path.slice(mark + 1));
  head.authorityStart = all.length;
  head.authorityEnd = put(text.host);
  head.fields = new Int32Array(Math.max(4, text.headers.length * 4));
  for (const [name, value] of text.headers) {
    const at = head.fieldCount * 4;
    head.fields[at] = all.length;
    head.fields[at + 1] = put(name);
    head.fields[at + 2] = all.length;
    head.fields[at + 3] = put(value);
    head.fieldCount += 1;
  }
  head.bytes = Uint8Array.from(all, (character) => character.charCodeAt(0));
  head.pathBytes = head.bytes;
  head.grpc = text.grpc;
  return head;
}
