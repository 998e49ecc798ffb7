// Where keys are, as the policy file says it.
import type { PolicyEntry } from "./policy-entry.ts";
import type { MaterialPlace } from "./provider.ts";

const nowhere: MaterialPlace = Object.freeze({ kind: "file", file: "" });
const dnsLabel = "[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?";
const secretName = new RegExp(`^(${dnsLabel})/(${dnsLabel})$`);

/** `secret: NAMESPACE/NAME` or `file: FILE`, one of them. `or`: what else may be written there, which the caller reads. */
export function placeOf(entry: PolicyEntry, or = ""): MaterialPlace {
  const [secret, file] = [entry.text("secret"), entry.text("file")];
  if ((secret === null) === (file === null)) {
    entry.refuse(
      "",
      `needs a place of its keys: write ${or === "" ? "" : `${or}, `}secret: NAMESPACE/NAME, or file: FILE, and not both`,
    );
    return nowhere;
  }
  if (file !== null) return { kind: "file", file };
  const [, namespace, name] = secretName.exec(secret!) ?? [];
  if (name !== undefined) return { kind: "secret", namespace: namespace!, name };
  entry.refuse("secret", "is no name of a Secret: write NAMESPACE/NAME");
  return nowhere;
}
