// Texts of a multipart/form-data body (RFC 7578) that is there as a whole: as curl -F and browsers write them. Strict: whatever two readers could read in two ways is
// refused. Each byte is looked at a fixed number of times.
const most = { boundary: 70, partHead: 512 } as const;
/** The boundary as RFC 2046 §5.1.1 has it. Some clients name the charset as well, before it or behind it. */
const boundaryForm =
  /^multipart\/form-data(?: *; *charset="?utf-8"?)? *; *boundary=(?:"([\w'()+,./:=? -]*[\w'()+,./:=?-])"|([\w'+.-]+))(?: *; *charset="?utf-8"?)? *$/i;
const disposition = /^form-data *; *name=(?:"([^"\\\r\n]*)"|([\w-]+)) *$/i;
const lineEnd = Buffer.from("\r\n");
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The boundary that a content type names; null: it is no multipart/form-data, or names none that could be one. */
export function boundaryOf(contentType: string): string | null {
  const [, quoted, plain] = boundaryForm.exec(contentType) ?? [];
  const boundary = quoted ?? plain ?? "";
  return boundary === "" || boundary.length > most.boundary ? null : boundary;
}

/** Names and texts, in order; null: it is not what it says to be, or holds a file, or a text in another encoding than UTF-8. */
export function multipartTexts(
  body: Buffer,
  boundary: string,
): readonly (readonly [name: string, value: string])[] | null {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // What stands before the first boundary, and behind the last, nobody reads (RFC 2046 §5.1.1): there is none.
  if (!startsWith(body, 0, delimiter.subarray(2))) return null;
  const texts: (readonly [string, string])[] = [];
  for (let at = delimiter.length - 2; ;) {
    if (startsWith(body, at, Buffer.from("--")))
      return at + 2 === body.length || (at + 4 === body.length && startsWith(body, at + 2, lineEnd)) ? texts : null;
    if (!startsWith(body, at, lineEnd)) return null;
    const end = body.indexOf(delimiter, at + lineEnd.length);
    if (end < 0) return null;
    const text = textOf(body.subarray(at + lineEnd.length, end));
    if (text === null) return null;
    texts.push(text);
    at = end + delimiter.length;
  }
}

/** Of one part: its head, an empty line, its content. */
function textOf(part: Buffer): readonly [name: string, value: string] | null {
  const headEnd = part.indexOf("\r\n\r\n");
  if (headEnd < 0 || headEnd > most.partHead) return null;
  let name: string | null = null;
  for (const line of part.toString("latin1", 0, headEnd).split("\r\n")) {
    const [, field, value] = /^([!#$%&'*+.^`|~\w-]+):[ \t]*(.*)$/.exec(line) ?? [];
    switch (field?.toLowerCase()) {
      case "content-disposition": {
        const [, quoted, plain] = disposition.exec(value!.trimEnd()) ?? [];
        if (name !== null || (quoted ?? plain) === undefined) return null;
        name = Buffer.from((quoted ?? plain)!, "latin1").toString("utf8");
        break;
      }
      case "content-type":
        if (!/^text\/plain *(?:; *charset="?utf-8"?)? *$/i.test(value!)) return null;
        break;
      default:
        // A transfer encoding among them, which RFC 7578 §4.7 ends.
        return null;
    }
  }
  if (name === null) return null;
  try {
    return [name, utf8.decode(part.subarray(headEnd + 4))];
  } catch {
    return null;
  }
}

function startsWith(body: Buffer, at: number, text: Buffer): boolean {
  return at + text.length <= body.length && body.compare(text, 0, text.length, at, at + text.length) === 0;
}
