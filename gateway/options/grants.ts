// The Grants file: what an operator permits a namespace beyond what it owns (routing rule 4). Wrong content stops the start: a Grant that differs from
// what its writer meant would open or close traffic without a word.
import { readFile } from "node:fs/promises";
import { parseHostGlob } from "../../k8s/translate/meaning/grant.ts";
import type { Grant } from "../../k8s/translate/model/translation.ts";
import {
  byDefault,
  converted,
  decodeValue,
  flag,
  list,
  nameOf,
  namespaceNames,
  needed,
  notEmpty,
  object,
  optional,
  quoted,
  text,
  type Bounds,
  type Decoded,
} from "../schema/schema.ts";

export type GrantsOutcome =
  | { readonly kind: "grants"; readonly grants: readonly Grant[] }
  | { readonly kind: "failed"; readonly sentence: string };

/** Bytes of a Grants file. */
const maxBytes = 16 * 1024 * 1024;

/** A list of texts. An empty one, or a text that is wider than it looks, would give more than its writer meant. `fault`: what is wrong, and what to write. */
const texts = (fault: (text: string) => string | null, about: string) =>
  optional(
    list(
      converted(text, (one, place) => {
        const wrong = /\s/u.test(one) ? "which contains white space: remove it" : fault(one);
        return wrong === null ? one : place.refuse(`is ${quoted(one)}, ${wrong}`);
      }),
      notEmpty("is empty: write a list of texts, or remove it"),
    ),
    [],
    about,
  );

export const grantFields = {
  namespace: needed(nameOf(namespaceNames), 'is missing: write "namespace: NS"', "Whom it permits something"),
  prefixes: texts(
    (one) =>
      !one.startsWith("/")
        ? "which is not a path: write one that begins with /"
        : /^\/seldon\/[^/]+$/.test(one)
          ? `which covers every namespace whose name begins with it: write "${one}/"`
          : null,
    "Path prefixes that it may claim outside its own space. `/seldon/OTHER/…` grants into that namespace",
  ),
  hosts: texts(
    (one) =>
      /^[^[]*:/.test(one) || parseHostGlob(one) === null
        ? "which is not a host: write a name without a port; one * may stand at its beginning or end"
        : null,
    "Hosts to which the prefixes are limited, one `*` at the beginning or end. Absent: any host",
  ),
  grpcNames: texts(() => null, "gRPC names without a namespace that are reserved for it"),
  upstreams: texts(
    (one) =>
      /^.+\*./.test(one)
        ? "which is not a host: write a name or an address; one * may stand at its beginning or end"
        : null,
    "Hosts outside the namespace to which its Mappings may forward, one `*` at the beginning or end",
  ),
  regex: byDefault(flag, false, "It may use regular expressions in shared space"),
  precedence: byDefault(flag, false, "It may use `precedence` in shared space"),
  open: byDefault(flag, false, "Other namespaces may claim deeper prefixes"),
  endpointSlices: byDefault(flag, false, "Sluice accepts its EndpointSlices that no Kubernetes controller manages"),
  anonymous: byDefault(flag, false, "`sluice.io/auth: none` holds in it, whatever the policy says"),
  gateway: byDefault(
    flag,
    false,
    "Its Module, Host, AuthService and RateLimitService configure the whole gateway, as those of the gateway's own namespace do",
  ),
};

const grantBounds: Bounds = { min: 0, max: 100_000, fault: "has more than 100000 Grants: write fewer" };

export const grantsSchema = object(
  {
    grants: needed(
      list(object(grantFields), grantBounds),
      'is missing: write "grants:" and below it "- namespace: NS"',
      "Permissions, each for one namespace",
    ),
  },
  "indent it like the other lines of its Grant",
);

/** Reads and decodes a Grants file, YAML or JSON. One clear line on failure. */
export async function readGrants(file: string): Promise<GrantsOutcome> {
  let written;
  try {
    written = await readFile(file, "utf8");
  } catch (error) {
    return {
      kind: "failed",
      sentence: `the Grants file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}): write --grants FILE with a readable file`,
    };
  }
  const { decodeText } = await import("../schema/decode.ts");
  return outcomeOf(decodeText(grantsSchema, written, maxBytes), file);
}

/** Decodes the content of a Grants file; `file` is for the sentence. */
export function decodeGrants(document: unknown, file: string): GrantsOutcome {
  return outcomeOf(decodeValue(grantsSchema, document), file);
}

function outcomeOf(decoded: Decoded<{ readonly grants: readonly Grant[] }>, file: string): GrantsOutcome {
  return decoded.kind === "value"
    ? { kind: "grants", grants: decoded.value.grants }
    : { kind: "failed", sentence: `the Grants file ${file}: ${decoded.sentences.join("; ")}` };
}
