// An answer of a model as it was captured, and what it says: a tree of values, whatever protocol it came by.
import { readJson, unreadable, type ReadAnswer } from "./read-json.ts";
import { readGrpcAnswer } from "./grpc-answer.ts";
import { byColumnName } from "./columns.ts";
import { put, readTensors } from "./tensors.ts";

export interface CapturedAnswer {
  /** Of HTTP. */
  readonly status: number;
  /** Of gRPC; −1: it is none, or said none. */
  readonly grpcStatus: number;
  /** Bytes of JSON before binary tensors (`Inference-Header-Content-Length`); −1: it has no binary tensors. */
  readonly headerBytes: number;
  readonly body: Uint8Array;
}

/** `path`: of a gRPC call its method. */
export function readAnswer({ body, headerBytes }: CapturedAnswer, isGrpc: boolean, path: string): ReadAnswer {
  const read = isGrpc ? readGrpcAnswer(body, path) : readHttpAnswer(body, headerBytes);
  return read.kind === "tree" ? { kind: "tree", tree: byColumnName(read.tree) } : read;
}

function readHttpAnswer(body: Uint8Array, headerBytes: number): ReadAnswer {
  if (headerBytes > body.length) return unreadable("is shorter than its Inference-Header-Content-Length");
  const json = readJson(headerBytes < 0 ? body : body.subarray(0, headerBytes));
  if (json.kind === "unreadable") return json;
  const tree = byName(json.tree, headerBytes < 0 ? null : body.subarray(headerBytes));
  return tree === undefined ? unreadable("has binary tensors that do not fit their sizes") : { kind: "tree", tree };
}

type Values = Readonly<Record<string, unknown>>;

/**
 * The outputs of V2 by their names, since their order says nothing; other answers stay as they are. One without a name among others has its place
 * as one, as in gRPC: rules of the others hold whatever stands beside them. undefined: binary tensors cannot be read.
 */
function byName(tree: unknown, binary: Uint8Array | null): unknown {
  const outputs = (tree as Values | null)?.["outputs"];
  if (!Array.isArray(outputs)) return binary === null || binary.length === 0 ? tree : undefined;
  // Not V2: any other `outputs` are compared as they stand.
  if (!outputs.some((one) => typeof (one as Values | null)?.["name"] === "string")) return tree;
  const named: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  let at = 0;
  for (const [place, output] of (outputs as readonly unknown[]).entries()) {
    const one = output as Values | null;
    const written = one?.["name"];
    const name = typeof written === "string" ? written : String(place);
    const { parameters, ...rest } = (one ?? {}) as { readonly parameters?: Values } & Values;
    const size = binary === null ? undefined : parameters?.["binary_data_size"];
    if (size === undefined) {
      put(named, name, one);
      continue;
    }
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || at + size > binary!.length) return undefined;
    const data = readTensors(binary!.subarray(at, at + size), String(rest["datatype"]));
    if (data === null) return undefined;
    at += size;
    put(named, name, { ...rest, data });
  }
  return binary !== null && at !== binary.length ? undefined : { ...(tree as Values), outputs: named };
}
