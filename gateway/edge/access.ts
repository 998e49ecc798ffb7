// Access entries: what is said about one request, when it failed or when everything is logged. Never bodies, never credentials.

export interface AccessEntry {
  /** When the request came, epoch ms. */
  readonly atMs: number;
  /** A failure's flag, or "". */
  readonly flag: string;
  /** What failed, for people; "" when nothing did. */
  readonly sentence: string;
  readonly code: number;
  readonly method: string;
  /** As sent, with its query; at most 256 characters. */
  readonly path: string;
  readonly requestId: string;
  /** Address of the client. */
  readonly peer: string;
  /** Key of the Route, or "". */
  readonly route: string;
  /** Id of the Mapping, or "". */
  readonly mapping: string;
  /** ip:port that answered or was tried last, or "". */
  readonly address: string;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
}

const mostMethodBytes = 16;
const mostPathBytes = 256;
const mostIdBytes = 64;

/** Bytes of one request that an entry may need later, when its head is gone. */
export class RequestNote {
  readonly #bytes = Buffer.allocUnsafe(mostMethodBytes + mostPathBytes + mostIdBytes);
  #methodEnd = 0;
  #pathEnd = 0;
  #idEnd = 0;

  clear(): void {
    this.#methodEnd = 0;
    this.#pathEnd = 0;
    this.#idEnd = 0;
  }

  /** `path` is the canonical path with its query. */
  take(bytes: Buffer, methodStart: number, methodEnd: number, path: Buffer, pathStart: number, pathEnd: number): void {
    this.#methodEnd = bytes.copy(this.#bytes, 0, methodStart, Math.min(methodEnd, methodStart + mostMethodBytes));
    this.#pathEnd = this.#methodEnd + path.copy(this.#bytes, this.#methodEnd, pathStart, Math.min(pathEnd, pathStart + mostPathBytes));
    this.#idEnd = this.#pathEnd;
  }

  takeId(id: Buffer): void {
    this.#idEnd = this.#pathEnd + id.copy(this.#bytes, this.#pathEnd, 0, mostIdBytes);
  }

  get method(): string {
    return printable(this.#bytes, 0, this.#methodEnd);
  }

  get path(): string {
    return printable(this.#bytes, this.#methodEnd, this.#pathEnd);
  }

  get requestId(): string {
    return printable(this.#bytes, this.#pathEnd, this.#idEnd);
  }
}

/** Bytes that are not printable ASCII as `\xNN`: a log line stays one line. */
function printable(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end).replace(/[^ -~]/g, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
