// API keys: texts that a client shows, of which hashes are enough here.
import { createHash } from "node:crypto";
import type { PolicyEntry } from "./policy-entry.ts";
import type { Material, MaterialPlace, ProviderBase } from "./provider.ts";
import { placeOf } from "./material-place.ts";
import type { TokenPlace } from "./token-place.ts";

/** Where a client may put its key. */
export type KeyPlace =
  | Exclude<TokenPlace, { readonly kind: "cookie" }>
  /** `authorization: Basic`: the password, or where it is empty the user. */
  | { readonly kind: "basic" };

export interface ApiKeysDeclaration extends ProviderBase {
  readonly kind: "api-keys";
  readonly from: MaterialPlace;
  /** One or more. */
  readonly places: readonly KeyPlace[];
}

export interface ApiKeysProvider extends ProviderBase {
  readonly kind: "api-keys";
  readonly places: readonly KeyPlace[];
  /** Clients by the SHA-256 of their keys, lower hex. */
  readonly clients: Readonly<Record<string, string>>;
}

/** Keys of one provider. */
export const mostKeys = 10_000;
const leastKey = 8;
const mostKey = 4096;
/** What stands for a client in headers, logs and limits. */
const clientName = /^[A-Za-z0-9][-A-Za-z0-9._@+:/]{0,127}$/;

/**
 * `secret: NAMESPACE/NAME` or `file: FILE`, and `in`: a list of `header NAME`, `query NAME`, `bearer`, `basic` (`header x-api-key`).
 */
export function decodeApiKeys(entry: PolicyEntry, base: ProviderBase): ApiKeysDeclaration {
  const from = placeOf(entry);
  const written = entry.texts("in");
  const places = written.map((text) => keyPlaceOf(text, entry)).filter((place) => place !== null);
  if (entry.has("in") && places.length === 0)
    entry.refuse("in", "names no place: write header NAME, query NAME, bearer or basic");
  return {
    ...base,
    kind: "api-keys",
    from,
    places: entry.has("in") ? places : [{ kind: "header", name: "x-api-key" }],
  };
}

function keyPlaceOf(text: string, entry: PolicyEntry): KeyPlace | null {
  if (text === "bearer" || text === "basic") return { kind: text };
  const [, kind, name] = /^(header|query) +([-A-Za-z0-9_.]{1,64})$/.exec(text) ?? [];
  if (
    kind === "header" &&
    !/^(?:host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|content-type)$/i.test(name!)
  )
    return { kind, name: name!.toLowerCase() };
  if (kind === "query") return { kind, name: name! };
  entry.refuse(
    "in",
    `has "${text.slice(0, 80)}", which is no place of a key: write header NAME, query NAME, bearer or basic`,
  );
  return null;
}

/**
 * The clients in the material: of a Secret each entry is a client's key (`sha256:HEX` is a hash), of a file each line `CLIENT KEY` or `CLIENT sha256:HEX`, `#` begins a
 * comment. What cannot be read is said in `wrong`, without the key, and is nobody's.
 */
export function apiKeysOf(declaration: ApiKeysDeclaration, material: Material, wrong: string[]): ApiKeysProvider {
  const clients: Record<string, string> = Object.create(null) as Record<string, string>;
  const contested = new Set<string>();
  let count = 0;
  for (const [client, key] of declaration.from.kind === "file"
    ? linesOf(material.get("") ?? Buffer.alloc(0), wrong)
    : entriesOf(material)) {
    if (!clientName.test(client)) {
      wrong.push(
        `the name of client "${client.replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 40)}" cannot be used: write letters, digits and -._@+:/, at most 128`,
      );
      continue;
    }
    const hash = hashOf(key);
    if (hash === null) {
      wrong.push(
        `the key of client ${client} cannot be used: write ${leastKey} to ${mostKey} printable characters, or sha256: and 64 hexadecimal digits`,
      );
      continue;
    }
    if (++count > mostKeys) {
      wrong.push(`there are more than ${mostKeys} keys, and those after them are nobody's: write several providers`);
      break;
    }
    if (Object.hasOwn(clients, hash) && clients[hash] !== client) contested.add(hash);
    clients[hash] = client;
  }
  for (const hash of contested) {
    wrong.push(`client ${clients[hash]} has the key of another client, and it is nobody's: give each a key of its own`);
    delete clients[hash];
  }
  return { namespaces: declaration.namespaces, kind: "api-keys", places: declaration.places, clients };
}

function* entriesOf(material: Material): Iterable<readonly [client: string, key: string]> {
  for (const [client, key] of material) yield [client, key.toString("latin1").replace(/\r?\n$/, "")];
}

function* linesOf(file: Buffer, wrong: string[]): Iterable<readonly [client: string, key: string]> {
  for (const [index, line] of file.toString("latin1").split("\n").entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const at = text.search(/[ \t]/);
    if (at < 0) wrong.push(`line ${index + 1} of the file has no key: write CLIENT KEY`);
    else yield [text.slice(0, at), text.slice(at + 1).trim()];
  }
}

function hashOf(key: string): string | null {
  const written = /^sha256:([0-9A-Fa-f]{64})$/.exec(key);
  if (written !== null) return written[1]!.toLowerCase();
  if (key.startsWith("sha256:") || key.length < leastKey || key.length > mostKey || !/^[\x21-\x7e]+$/.test(key))
    return null;
  return createHash("sha256").update(key, "latin1").digest("hex");
}
