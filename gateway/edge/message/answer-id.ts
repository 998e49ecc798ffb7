// The id of a request in the head of its answer, as bytes that stand ready. What usually follows it stands behind it: the id then costs no copy of its own.

const idName = "x-request-id";
const serviceTimeName = "x-envoy-upstream-service-time";

/** What is written is `bytes[0..idEnd)`, or all of it before the number of the service time. */
export interface AnswerId {
  readonly bytes: Buffer;
  /** The id itself. */
  readonly id: Buffer;
  readonly idEnd: number;
}

/** How heads are written: as lines, or as a block of HPACK (literals without indexing, RFC 7541 §6.2.2). */
export type HeadForm = "lines" | "block";

/** `id`: printable ASCII. */
export function answerId(form: HeadForm, id: string): AnswerId {
  const before =
    form === "lines" ? Buffer.from(`${idName}: `) : Buffer.concat([literal(idName), prefixed(id.length, "")]);
  const after = form === "lines" ? Buffer.from("\r\n") : Buffer.alloc(0);
  const next = form === "lines" ? Buffer.from(`${serviceTimeName}: `) : literal(serviceTimeName);
  const bytes = Buffer.concat([before, Buffer.from(id), after, next]);
  const idStart = before.length;
  return {
    bytes,
    id: bytes.subarray(idStart, idStart + id.length),
    idEnd: bytes.length - next.length,
  };
}

function literal(name: string): Buffer {
  return Buffer.concat([Buffer.from([0]), prefixed(name.length, name)]);
}

/** The length of a string of HPACK without Huffman's code (RFC 7541 §5.1), and the string. */
function prefixed(length: number, text: string): Buffer {
  const head = length < 127 ? [length] : [127];
  if (length >= 127) {
    let rest = length - 127;
    for (; rest >= 128; rest >>>= 7) head.push((rest & 127) | 128);
    head.push(rest);
  }
  return Buffer.concat([Buffer.from(head), Buffer.from(text)]);
}
