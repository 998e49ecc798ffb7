// API keys: texts that a client shows, of which hashes are enough here.
import { createHash } from "node:crypto";
import { byDefault, notEmpty } from "../../schema/schema.ts";
import { placesOf, placeWords, type KeyPlace } from "./credential-place.ts";
import { materialFields, onePlaceOf, type Material, type MaterialPlace } from "./material.ts";
import { providerKind, type DeclaredBase, type ProviderBase } from "./provider.ts";

export interface ApiKeysDeclaration extends DeclaredBase<"api-keys"> {
  readonly from: MaterialPlace;
  /** One or more. */
  readonly places: readonly KeyPlace[];
}

export interface ApiKeysProvider extends ProviderBase<"api-keys"> {
  readonly places: readonly KeyPlace[];
  /** Clients by the SHA-256 of their keys, lower hex. */
  readonly clients: Readonly<Record<string, string>>;
}

/** Keys of one provider. */
const maxKeys = 10_000;
const minKeyLength = 8;
const maxKeyLength = 4096;
/** What stands for a client in headers, logs and limits. */
const clientName = /^[A-Za-z0-9][-A-Za-z0-9._@+:/]{0,127}$/;

const kindsOfPlaces = ["header", "query", "bearer", "basic"] as const;
const reserved = /^(?:host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|content-type)$/i;
const places = placesOf<KeyPlace>(
  kindsOfPlaces,
  (field) => !reserved.test(field),
  notEmpty(`is empty: write ${placeWords(kindsOfPlaces)}`),
);

export const apiKeys = providerKind("api-keys", {
  shows: "an API key",
  fields: {
    ...materialFields(
      "an entry for each client: its key, or `sha256:` and the key's hash",
      "a line for each client: `CLIENT KEY` or `CLIENT sha256:HEX`",
    ),
    in: byDefault(
      places,
      "header x-api-key",
      `Where clients put the key: some of \`header NAME\`, \`query NAME\`, \`bearer\`, \`basic\``,
    ),
  },
  declare({ secret, file, in: places, ...base }, place): ApiKeysDeclaration | undefined {
    const from = onePlaceOf([secret, file], place);
    return from && { ...base, from, places };
  },
  complete: (declared, material, wrong) => apiKeysOf(declared, material ?? new Map(), wrong),
  keys: ({ clients }) => (Object.keys(clients).length === 0 ? "none" : "some"),
  withKeysOf: (next) => next,
});

/**
 * The clients in the material: of a Secret each entry is a client's key (`sha256:HEX` is a hash), of a file each line `CLIENT KEY` or `CLIENT sha256:HEX`, `#` begins a
 * comment. A key that cannot be used admits nobody; `wrong` takes a sentence about it, without the key.
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
        `the key of client ${client} cannot be used: write ${minKeyLength} to ${maxKeyLength} printable characters, or sha256: and 64 hexadecimal digits`,
      );
      continue;
    }
    if (++count > maxKeys) {
      wrong.push(`it has more than ${maxKeys} keys, and admits nobody by those after them: write several providers`);
      break;
    }
    if (Object.hasOwn(clients, hash) && clients[hash] !== client) contested.add(hash);
    clients[hash] = client;
  }
  for (const hash of contested) {
    wrong.push(
      `client ${clients[hash]} has the key of another client, so this key admits nobody: give each client a key of its own`,
    );
    delete clients[hash];
  }
  const { kind, namespaces, places } = declaration;
  return { kind, namespaces, places, clients };
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

/** The hash in lower hex; null: it is that of an empty text, as `printf "$KEY" | sha256sum` prints it where KEY is not set. */
export function hashInWords(hex: string): string | null {
  const hash = hex.toLowerCase();
  return hash === emptyHash ? null : hash;
}

const emptyHash = createHash("sha256").digest("hex");

function hashOf(key: string): string | null {
  const written = /^sha256:([0-9A-Fa-f]{64})$/.exec(key);
  if (written !== null) return hashInWords(written[1]!);
  if (
    key.startsWith("sha256:") ||
    key.length < minKeyLength ||
    key.length > maxKeyLength ||
    !/^[\x21-\x7e]+$/.test(key)
  )
    return null;
  return createHash("sha256").update(key, "latin1").digest("hex");
}
