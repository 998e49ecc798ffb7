// OAuthKeys: which SeldonDeployments the OAuth gateway knows, by which names. A key that two of one namespace have is nobody's, and the key alone,
// without a namespace behind it, is nobody's once a second one has it.
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import { externalNameOf } from "../model/deployment.ts";
import type { OAuthKey } from "../model/oauth-key.ts";
import type { Declarer } from "../declarers/declarer.ts";
import type { TranslateSettings } from "../model/translation.ts";

/** A client of the OAuth gateway: whose tokens lead to a SeldonDeployment. Digests only. */
export interface OAuthExposure {
  readonly id: string;
  readonly names: readonly string[];
  readonly secret: string;
  readonly namespace: string;
  readonly deployment: string;
}

export interface OAuthExposuresChange {
  readonly set: readonly OAuthExposure[];
  /** Ids. */
  readonly removed: readonly string[];
}

type Key = Extract<OAuthKey, { kind: "key" }>;

export class OAuthKeys {
  readonly #isOn: boolean;
  /** The key alone is a name, too. */
  readonly #isPlain: boolean;
  /** Keys of declarers that may be known. */
  readonly #keys = new Map<Declarer, Key>();
  /** Declarers by key and namespace (`placeOf`), and how many namespaces have a key: thousands may have one, and a change of one of them touches at most one other. */
  readonly #sharing = new Map<string, Set<Declarer>>();
  readonly #namespaces = new Map<string, number>();
  readonly #touched = new Set<Declarer>();
  /** What was told of each declarer. */
  readonly #told = new Map<Declarer, OAuthExposure>();

  constructor({
    oauth,
    bareNames,
    singleNamespace,
    namespaces,
  }: Pick<TranslateSettings, "oauth" | "bareNames" | "singleNamespace" | "namespaces">) {
    this.#isOn = oauth;
    this.#isPlain = bareNames === "on" || singleNamespace !== null || namespaces.length === 1;
  }

  /** Declarers that may declare something else now. */
  take(declarers: Iterable<Declarer>): void {
    if (!this.#isOn) return;
    for (const declarer of declarers) {
      const before = this.#keys.get(declarer) ?? null;
      const after = keyOf(declarer);
      if (before === null && after === null) continue;
      if (before !== null) this.#leave(declarer, before);
      if (after !== null) this.#join(declarer, after);
      this.#touched.add(declarer);
    }
  }

  #leave(declarer: Declarer, key: Key): void {
    this.#keys.delete(declarer);
    const place = placeOf(declarer, key);
    const sharing = this.#sharing.get(place)!;
    sharing.delete(declarer);
    if (sharing.size > 0) return this.#touchLone(sharing);
    this.#sharing.delete(place);
    const others = this.#namespaces.get(key.plain)! - 1;
    if (others === 0) this.#namespaces.delete(key.plain);
    else this.#namespaces.set(key.plain, others);
  }

  #join(declarer: Declarer, key: Key): void {
    this.#keys.set(declarer, key);
    const place = placeOf(declarer, key);
    const sharing = this.#sharing.get(place);
    if (sharing !== undefined) {
      this.#touchLone(sharing);
      sharing.add(declarer);
      return;
    }
    this.#sharing.set(place, new Set([declarer]));
    this.#namespaces.set(key.plain, (this.#namespaces.get(key.plain) ?? 0) + 1);
  }

  /** What a declarer gets depends on whether another of its namespace has the key: one that is alone with it now, or was, may get something else. */
  #touchLone(sharing: ReadonlySet<Declarer>): void {
    if (sharing.size === 1) for (const one of sharing) this.#touched.add(one);
  }

  /** What changed since the last call. */
  drain(): OAuthExposuresChange {
    const set: OAuthExposure[] = [];
    const removed: string[] = [];
    for (const declarer of this.#touched) {
      const before = this.#told.get(declarer) ?? null;
      const after = this.#exposureOf(declarer);
      if (before !== null && before.id !== after?.id) removed.push(before.id);
      if (after === null) this.#told.delete(declarer);
      else this.#told.set(declarer, after);
      if (after !== null && (before?.id !== after.id || before.names.length !== after.names.length)) set.push(after);
    }
    this.#touched.clear();
    return { set, removed };
  }

  /** It has a client, as told last. */
  has(namespace: string, deployment: string): boolean {
    return this.#told.values().some((one) => one.deployment === deployment && one.namespace === namespace);
  }

  #exposureOf(declarer: Declarer): OAuthExposure | null {
    const key = this.#keys.get(declarer);
    if (key === undefined) return null;
    if (this.#contestOf(declarer, key).inNamespace) return null;
    const { id, plain, scoped, secret } = key;
    return {
      id,
      names: this.#isPlain ? [plain, scoped] : [scoped],
      secret,
      namespace: declarer.namespace,
      deployment: declarer.ref.name,
    };
  }

  #contestOf(declarer: Declarer, key: Key): { readonly inNamespace: boolean; readonly alone: boolean } {
    return {
      inNamespace: this.#sharing.get(placeOf(declarer, key))!.size > 1,
      alone: this.#namespaces.get(key.plain) === 1,
    };
  }

  /** Of a declarer, those that its own Problems do not tell. */
  problemsOf(declarer: Declarer): readonly Problem[] {
    if (!this.#isOn) return [];
    const oauth = declarer.deployment?.oauth ?? null;
    if (oauth === null) return [];
    const problem = (
      level: Problem["level"],
      code: ProblemCode,
      field: string,
      sentence: string,
    ): readonly Problem[] => [{ code, level, subject: declarer.ref, field, sentence }];
    if (oauth.kind === "bad") return problem("error", "bad-value", oauth.field, oauth.sentence);
    const key = this.#keys.get(declarer);
    if (key === undefined) {
      return problem(
        "warning",
        "oauth-no-path",
        "spec.oauth_key",
        "its own configuration takes its requests, or the SeldonDeployment that seldon.io/ambassador-service-name names does, so no token is issued for it alone; remove the key, or the annotation",
      );
    }
    const { inNamespace, alone } = this.#contestOf(declarer, key);
    if (inNamespace)
      return problem(
        "error",
        "oauth-key-contested",
        "spec.oauth_key",
        "another SeldonDeployment of this namespace has the same key, so neither gets tokens; give each a key of its own",
      );
    if (!alone && this.#isPlain)
      return problem(
        "warning",
        "oauth-key-contested",
        "spec.oauth_key",
        `a SeldonDeployment of another namespace has the same key, so Sluice tells the two apart by their secrets, and issues no token for the key alone where these are the same too; clients send the key followed by ${declarer.namespace}`,
      );
    return [];
  }
}

function placeOf({ namespace }: Declarer, { plain }: Key): string {
  return `${plain} ${namespace}`;
}

/** null: none that leads to requests of this SeldonDeployment and no other. */
function keyOf({ deployment, configuration, ref }: Declarer): Key | null {
  if (deployment === null || configuration !== null || externalNameOf(deployment) !== ref.name) return null;
  return deployment.oauth?.kind === "key" ? deployment.oauth : null;
}
