// Requests to the admin port as people, scrapers and strangers write them: each endpoint, with queries, tokens and bodies that are odd, huge or made up.
import type { Endpoint } from "../../gateway/admin/endpoint.ts";
import { endpoints } from "../../gateway/admin/endpoints.ts";
import type { Draws } from "./draws.ts";
import { mutated } from "./mutation.ts";

export const adminToken = "the-token-of-the-operator";
/** Sees one namespace, in which nothing is. */
export const viewerToken = "the-token-of-a-viewer";
export const viewerNamespace = "empty";
/** Of a deployment of another namespace. No request names it. */
export const unseenName = "dripping";

const all: readonly Endpoint[] = Object.values<Endpoint>(endpoints);
const texts = [
  "",
  "prod",
  "prod/iris",
  "iris",
  "hostile",
  viewerNamespace,
  "constructor",
  "__proto__",
  "prod/constructor",
  "toString",
  "hasOwnProperty",
  "true",
  "self",
  "0",
  "1",
  "-1",
  "1e9",
  "NaN",
  "9".repeat(400),
  "%00",
  "%ff",
  "%e2%80%ae",
  "%",
  "..",
  "%2e%2e%2f",
  "/seldon/prod/iris/v",
  "/seldon/prod/constructor/v?a=b",
  "seldon:%20iris",
  "constructor:%20x",
  `/${"a/".repeat(3000)}`,
  "/%61".repeat(2000),
  "x".repeat(513),
  "y".repeat(15_000),
  btoa('["prod","iris"]'),
] as const;
const bodies = [
  "",
  "{}",
  "null",
  "[]",
  '{"path":"/seldon/prod/iris/v"}',
  '{"path":"/seldon/prod/iris/v","headers":[["authorization","Bearer x"],["constructor","y"]],"wide":true}',
  '{"path":"/seldon.protos.Seldon/Predict","grpc":true,"headers":[["seldon","iris"],["namespace","prod"]]}',
  '{"path":"/","__proto__":{"wide":true}}',
  '{"path":"/","as":"constructor"}',
  '{"path":"/","host":"__proto__","method":"constructor"}',
  `{"path":"/${"a".repeat(60_000)}"}`,
  `{"path":"/","headers":[${'["a","b"],'.repeat(100)}["a","b"]]}`,
  "[".repeat(20_000),
  '{"token":"x"}',
  '{"deployment":"prod/constructor"}',
  "\xff\0{",
] as const;
const fields = [
  "Accept: application/json",
  "Accept: text/plain",
  "Accept: text/event-stream",
  "Accept: constructor",
  "Content-Type: application/json",
  "Content-Type: application/json",
  "Content-Type: text/plain",
  "Content-Type: application/__proto__",
  "Expect: 100-continue",
  "Connection: close",
  "Connection: Upgrade\r\nUpgrade: websocket",
  "If-None-Match: *",
  "Last-Event-ID: 9999999999999999",
  "Accept-Encoding: gzip",
  `X-Long: ${"v".repeat(5000)}`,
] as const;

/** As their holders and strangers write them. */
function authorization(draws: Draws): string {
  const token = draws.any([
    adminToken,
    adminToken,
    viewerToken,
    viewerToken,
    `made-up-${draws.below(1e9)}`,
    "constructor",
    "z".repeat(14_000),
  ]);
  return draws.any(["", `Authorization: Bearer ${token}\r\n`, `Authorization: Bearer ${token}\r\n`]);
}

function requestOf(draws: Draws): string {
  const { path, alias, method, parameters, body } = draws.any(all);
  const target = (alias !== "" && draws.chance(0.3) ? alias : path).replaceAll(/\{\w+\}/g, () => draws.any(texts));
  const names = [...Object.keys(parameters), ...(draws.chance(0.1) ? ["constructor", "__proto__", "namespace"] : [])];
  const query: string[] = [];
  for (const name of names) if (draws.chance(0.5)) query.push(`${name}=${draws.any(texts)}`);
  if (query.length > 0 && draws.chance(0.05)) query.push(...Array<string>(1000).fill(query[0]!.slice(0, 12)));
  let head = `${draws.chance(0.9) ? method : draws.any(["GET", "POST", "HEAD", "OPTIONS", "PUT", "BREW"])} ${target}${query.length > 0 ? `?${query.join("&")}` : ""} HTTP/1.1\r\n`;
  head += `Host: ${draws.chance(0.95) ? "localhost" : draws.any(["evil.example", "", "__proto__", "[::1]:8877"])}\r\n${authorization(draws)}`;
  for (let count = draws.below(3); count > 0; count--) head += `${draws.any(fields)}\r\n`;
  if (body === null && draws.chance(0.9)) return `${head}\r\n`;
  const sent = draws.any(bodies);
  return `${head}${draws.chance(0.7) ? "Content-Type: application/json\r\n" : ""}Content-Length: ${sent.length}\r\n\r\n${sent}`;
}

/** What a client sends on a connection to the admin port (latin1): a request, or many ahead of their answers. */
export function adminRequests(draws: Draws): readonly string[] {
  const count = draws.chance(0.7) ? 1 : 1 + draws.below(draws.chance(0.1) ? 200 : 12);
  return Array.from({ length: count }, () => {
    const request = requestOf(draws);
    return draws.chance(0.25) ? mutated(draws, request) : request;
  });
}

/** What no answer of the admin port may be, or null. `sent`, `received`: all of a connection, latin1. */
export function wrongAdmin(sent: string, received: string): string | null {
  if (received !== "" && !received.startsWith("HTTP/1.1 "))
    return `the admin port answers ${JSON.stringify(received.slice(0, 100))}`;
  if (received.includes('{"error":"internal"'))
    return `the admin port could not make an answer to ${JSON.stringify(sent.slice(0, 2000))}`;
  // A mutation may write the operator's token only where it stood.
  if (received.includes(unseenName) && !sent.includes(adminToken) && !/GET \/metrics/.test(sent))
    return `who shows no token of the operator is told of another namespace: ${JSON.stringify(sent.slice(0, 2000))}`;
  return null;
}
