// Material: the keys, clients or passwords of a provider, and where they are.
import { converted, optional, text, word, type Place } from "../../schema/schema.ts";

export type MaterialPlace =
  | { readonly kind: "secret"; readonly namespace: string; readonly name: string }
  | { readonly kind: "file"; readonly file: string }
  /** A key set that an issuer publishes. */
  | { readonly kind: "url"; readonly url: string };

/** What was found at a place: texts by name; a file, and what came from a URL, is `""` alone. */
export type Material = ReadonlyMap<string, Buffer>;

/** The key of a place in maps, as sentences name it. */
export function placeKey(place: MaterialPlace): string {
  switch (place.kind) {
    case "secret":
      return `secret ${place.namespace}/${place.name}`;
    case "file":
      return `file ${place.file}`;
    case "url":
      return place.url;
  }
}

const dnsLabel = "[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?";
const secretName = new RegExp(`^(${dnsLabel})/(${dnsLabel})$`);
const secret = word<MaterialPlace>(
  (value) => {
    const [, namespace, name] = secretName.exec(value) ?? [];
    return name === undefined ? undefined : { kind: "secret", namespace: namespace!, name };
  },
  "the name of a Secret: write NAMESPACE/NAME",
  secretName,
);

const file = converted(text, (path): MaterialPlace => ({ kind: "file", file: path }));

/** Fields of a provider whose keys are in a Secret or a file. `holds`: what these hold. */
export function materialFields(secretHolds: string, fileHolds: string) {
  return {
    secret: optional(secret, null, `\`NAMESPACE/NAME\` of a Secret with ${secretHolds}. Write \`secret\` or \`file\``),
    file: optional(file, null, `Path of a file with ${fileHolds}`),
  };
}

/** The one place that was written. `or`: what else may be written there. */
export function onePlaceOf(
  written: readonly (MaterialPlace | null)[],
  place: Place,
  or = "",
): MaterialPlace | undefined {
  const found = written.filter((one) => one !== null);
  return found.length === 1
    ? found[0]
    : place.refuse(
        `${found.length === 0 ? "needs a place of its keys" : "has its keys in two places"}: write ${or}secret: NAMESPACE/NAME or file: FILE, one of them`,
      );
}
