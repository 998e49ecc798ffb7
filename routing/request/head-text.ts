// A request's head made from text.
import { byteText } from "./bytes.ts";
import { RequestHead } from "./head.ts";

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
  let all = "";
  const put = (part: string): number => {
    all += byteText(part);
    return all.length;
  };
  head.methodStart = 0;
  head.methodEnd = put(text.method);
  const mark = text.path.indexOf("?");
  head.pathStart = all.length;
  head.pathEnd = put(mark < 0 ? text.path : text.path.slice(0, mark));
  head.queryStart = mark < 0 ? head.pathEnd : put("?");
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
