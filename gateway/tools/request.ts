// A request as the arguments of `sluice explain` write it.
import type { ExplainRequest } from "../explain/explanation.ts";

export type RequestRead =
  | { readonly kind: "request"; readonly request: ExplainRequest }
  | { readonly kind: "wrong"; readonly sentence: string };

/** What the options of a request say. */
export interface RequestOptions {
  readonly method: string | null;
  /** `name: value`, as for curl. */
  readonly headers: readonly string[];
  readonly grpc: boolean;
  /** `/path?query` or `http://host/path?query`. */
  readonly target: string;
}

const urlPattern = /^http(s?):\/\/([^/?#]*)(.*)$/i;
const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Method: POST for gRPC, else GET. Host: the URL's, a `host` header's, else `localhost`. By TLS only where the URL says https. Nothing of the path is changed. */
export function readRequest({ method, headers, grpc, target }: RequestOptions): RequestRead {
  const url = urlPattern.exec(target);
  const rest = url?.[3] ?? target;
  const path = rest === "" || rest.startsWith("?") ? `/${rest}` : rest;
  if (url === null && !target.startsWith("/"))
    return {
      kind: "wrong",
      sentence: `"${target}" is neither a path nor a URL: write /seldon/NAMESPACE/NAME/… or http://HOST/…`,
    };
  if (method !== null && !tokenPattern.test(method))
    return { kind: "wrong", sentence: `"${method}" is not a method: write for example -X POST` };
  const pairs: [string, string][] = grpc ? [["content-type", "application/grpc"]] : [];
  let host = url?.[2] ?? "";
  for (const header of headers) {
    const colon = header.indexOf(":");
    const name = header.slice(0, Math.max(colon, 0)).trim();
    if (!tokenPattern.test(name))
      return { kind: "wrong", sentence: `"${header}" is not a header: write -H 'name: value'` };
    const value = header.slice(colon + 1).trim();
    if (name.toLowerCase() === "host") host = value;
    else pairs.push([name, value]);
  }
  return {
    kind: "request",
    request: {
      method: method ?? (grpc ? "POST" : "GET"),
      host: host === "" ? "localhost" : host,
      path,
      headers: pairs,
      grpc,
      secure: (url?.[1] ?? "") !== "",
    },
  };
}
