// Access entries: what is said about one request, when it failed or when everything is logged. Never bodies, never credentials.
import { emptyEntry, type AccessEntry } from "../../shared/access-fields.ts";
import type { Failure } from "../../failures.ts";
import { grpcStatusNames } from "../../grpc-statuses.ts";
import { kind } from "../fields/field-kind.ts";
import { hasParameter } from "../../../routing/request/query.ts";
import type { WireRequestHead } from "../message/request-head.ts";

/** About what came to no exchange. `detail` "": the sentence of the failure says it all; `code` 0 and `requestId` "": it was not answered. */
export function unservedEntry(
  failure: Failure,
  detail: string,
  code: number,
  peer: string,
  requestId: string,
  isGrpc: boolean,
): AccessEntry {
  return {
    ...entryWithoutRequest(
      failure.flag,
      detail === "" ? failure.sentence : `${failure.sentence}: ${detail}`,
      code,
      peer,
    ),
    reason: failure.name,
    origin: code > 0 ? "gateway" : "",
    grpcStatus: isGrpc ? grpcStatusNames[failure.grpcStatus]! : "",
    requestId,
  };
}

/** About what has no request to name, now. */
function entryWithoutRequest(flag: string, sentence: string, code: number, peer: string): AccessEntry {
  return { ...emptyEntry, atMs: Date.now(), flag, sentence, code, peer };
}

/** About lines that were not written. */
export function leftOutEntry(flag: string, lines: number): AccessEntry {
  return entryWithoutRequest(
    flag,
    `${lines} more lines like this one were left out in a second (--access-lines-per-second)`,
    0,
    "",
  );
}

/** Bytes of a request line, from the method on, that are kept for a log line. */
const mostLineBytes = 272;
const mostIdBytes = 128;

/** What an entry may need later, when the head is gone: copied once a request, read only when something is logged. */
export class RequestNote {
  readonly #line = Buffer.allocUnsafe(mostLineBytes);
  #methodEnd = 0;
  #lineEnd = 0;
  /** The id that a trusted proxy sent; null: none. */
  requestId: string | null = null;

  /** `trustsId`: an x-request-id of the head is the request's id. */
  take(head: WireRequestHead, trustsId: boolean): void {
    const { methodStart, methodEnd, targetStart, targetEnd } = head;
    const bytes = head.bytes as Buffer;
    const methodBytes = Math.min(methodEnd - methodStart, mostLineBytes);
    this.#methodEnd = methodBytes;
    // The target as sent: the path before it was made canonical.
    if (targetStart === methodEnd + 1) {
      this.#lineEnd = bytes.copy(this.#line, 0, methodStart, Math.min(targetEnd, methodStart + mostLineBytes));
    } else {
      // HTTP/2 sends them apart.
      for (let i = 0; i < methodBytes; i++) this.#line[i] = bytes[methodStart + i]!;
      this.#lineEnd = methodBytes + 1 + bytes.copy(this.#line, methodBytes + 1, targetStart, targetEnd);
    }
    this.takeId(head, trustsId);
  }

  /** Nothing is said of the query. */
  hideQuery(): void {
    const query = this.#line.subarray(0, this.#lineEnd).indexOf("?");
    if (query >= 0) this.#lineEnd = query;
  }

  /** Of a request of which no line will be written. */
  takeId(head: WireRequestHead, trustsId: boolean): void {
    this.requestId = trustsId ? idOf(head) : null;
  }

  get method(): string {
    return printable(this.#line, 0, this.#methodEnd);
  }

  /** Without its query where that has a parameter of one of these names; null: they are not known, and any may be one. */
  pathWithout(secretParameters: readonly string[] | null): string {
    const start = Math.min(this.#methodEnd + 1, this.#lineEnd);
    const mark = this.#line.subarray(0, this.#lineEnd).indexOf("?", start);
    const isSecret =
      mark >= 0 &&
      (secretParameters === null ||
        hasParameter({ pathBytes: this.#line, queryStart: mark + 1, queryEnd: this.#lineEnd }, secretParameters));
    return printable(this.#line, start, isSecret ? mark : this.#lineEnd);
  }
}

function idOf(head: WireRequestHead): string | null {
  for (let field = 0; field < head.fieldCount; field++) {
    if (head.kinds[field] !== kind.requestId) continue;
    const start = head.fields[field * 4 + 2]!;
    const end = head.fields[field * 4 + 3]!;
    return end > start && end - start <= mostIdBytes ? printable(head.bytes as Buffer, start, end) : null;
  }
  return null;
}

/** Bytes that are not printable ASCII as `\xNN`: a log line stays one line. */
function printable(bytes: Buffer, start: number, end: number): string {
  return bytes
    .toString("latin1", start, end)
    .replace(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
