// Reads a policy file, and the files with keys that it names.
import { namespacedName } from "../../routing/text/namespaced-name.ts";
import { readFile } from "node:fs/promises";
import type { Problem } from "../../routing/text/problem.ts";
import { completePolicy, decodePolicyFile, placesOf, providerProblem, type PolicyDeclaration } from "./policy-file.ts";
import { noPolicy, type CallPolicy } from "./call-policy.ts";
import type { Material, MaterialPlace } from "./providers/material.ts";

export type PolicyRead =
  | { readonly kind: "read"; readonly text: string; readonly policy: PolicyDeclaration }
  /** One sentence for people. */
  | { readonly kind: "failed"; readonly sentence: string };

/** Bytes of a file with keys. */
const mostMaterialBytes = 8 * 1024 * 1024;

export async function readPolicy(file: string): Promise<PolicyRead> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    return {
      kind: "failed",
      sentence: `the policy file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "unknown"}): write --policy FILE with a readable file`,
    };
  }
  const outcome = decodePolicyFile(text);
  return outcome.kind === "wrong"
    ? { kind: "failed", sentence: `the policy file ${file}: ${outcome.sentences.join("; ")}` }
    : { kind: "read", text, policy: outcome.value };
}

/** What a file with keys holds; null: it cannot be read, or is longer than any is read. */
export async function readMaterial(file: string): Promise<Material | null> {
  try {
    const bytes = await readFile(file);
    return bytes.length > mostMaterialBytes ? null : new Map([["", bytes]]);
  } catch {
    return null;
  }
}

/** A policy as a gateway would hold it, and what is wrong with its keys. */
export interface HeldPolicy {
  readonly policy: CallPolicy;
  readonly problems: readonly Problem[];
  /** Providers whose Secret is not there. */
  readonly absent: ReadonlySet<string>;
}

/** A policy whose files are read and whose Secrets are still to come. */
export interface PolicyOfFiles {
  /** Secrets that it names, `namespace/name`. */
  readonly wantedSecrets: readonly string[];
  /** `secretAt` null: there is no such Secret, which is a Problem of `level`. Key sets of issuers are not fetched, so no Problem names them. */
  held(secretAt: (name: string) => Material | null, level: Problem["level"]): HeldPolicy;
}

/** For tools, who judge a policy as `serve` would, and dial nobody; a sentence when the file cannot be read. `file` null: there is none. */
export async function readPolicyOfFiles(file: string | null): Promise<PolicyOfFiles | string> {
  if (file === null) return { wantedSecrets: [], held: () => ({ policy: noPolicy, problems: [], absent: new Set() }) };
  const read = await readPolicy(file);
  if (read.kind === "failed") return read.sentence;
  const places = placesOf(read.policy);
  const files = new Map<string, Material | null>();
  for (const place of places) if (place.kind === "file") files.set(place.file, await readMaterial(place.file));
  return {
    wantedSecrets: places.flatMap((place) =>
      place.kind === "secret" ? [namespacedName(place.namespace, place.name)] : [],
    ),
    held(secretAt, level) {
      const problems: Problem[] = [];
      const materialAt = (place: MaterialPlace): Material | null =>
        place.kind === "file"
          ? (files.get(place.file) ?? null)
          : place.kind === "secret"
            ? secretAt(namespacedName(place.namespace, place.name))
            : null;
      const absent = new Set<string>();
      const policy = completePolicy(read.policy, materialAt, (provider, sentence, place) => {
        const isSecret = place?.kind === "secret";
        if (isSecret) absent.add(provider);
        problems.push(providerProblem(provider, sentence, isSecret ? level : "error"));
      });
      return { policy, problems, absent };
    },
  };
}
