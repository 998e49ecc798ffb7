// OAuthKeys: which SeldonDeployments the OAuth gateway knows, by which names. A key that two of one namespace have is nobody's, and the key alone,
// without a namespace behind it, is nobody's once a second one has it.
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import { externalNameOf } from "../fields/annotation-names.ts";
import type { OAuthKey } from "../model/oauth-key.ts";
import type { Unit } from "../units/unit.ts";
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
  /** Keys of units that may be known. */
  readonly #keys = new Map<Unit, Key>();
  /** Units by key and namespace (`placeOf`), and how many namespaces have a key: thousands may have one, and a change of one of them touches at most one other. */
  readonly #sharing = new Map<string, Set<Unit>>();
  readonly #namespaces = new Map<string, number>();
  readonly #touched = new Set<Unit>();
  /** What was told of each unit. */
  readonly #told = new Map<Unit, OAuthExposure>();

  constructor({
    oauth,
    bareNames,
    singleNamespace,
    namespaces,
  }: Pick<TranslateSettings, "oauth" | "bareNames" | "singleNamespace" | "namespaces">) {
    this.#isOn = oauth;
    this.#isPlain = bareNames === "on" || singleNamespace !== null || namespaces.length === 1;
  }

  /** Units that may declare something else now. */
  take(units: Iterable<Unit>): void {
    if (!this.#isOn) return;
    for (const unit of units) {
      const before = this.#keys.get(unit) ?? null;
      const after = keyOf(unit);
      if (before === null && after === null) continue;
      if (before !== null) this.#leave(unit, before);
      if (after !== null) this.#join(unit, after);
      this.#touched.add(unit);
    }
  }

  #leave(unit: Unit, key: Key): void {
    this.#keys.delete(unit);
    const place = placeOf(unit, key);
    const sharing = this.#sharing.get(place)!;
    sharing.delete(unit);
    if (sharing.size > 0) return this.#touchLone(sharing);
    this.#sharing.delete(place);
    const others = this.#namespaces.get(key.plain)! - 1;
    if (others === 0) this.#namespaces.delete(key.plain);
    else this.#namespaces.set(key.plain, others);
  }

  #join(unit: Unit, key: Key): void {
    this.#keys.set(unit, key);
    const place = placeOf(unit, key);
    const sharing = this.#sharing.get(place);
    if (sharing !== undefined) {
      this.#touchLone(sharing);
      sharing.add(unit);
      return;
    }
    this.#sharing.set(place, new Set([unit]));
    this.#namespaces.set(key.plain, (this.#namespaces.get(key.plain) ?? 0) + 1);
  }

  /** What a unit gets depends on whether another of its namespace has the key: one that is alone with it now, or was, may get something else. */
  #touchLone(sharing: ReadonlySet<Unit>): void {
    if (sharing.size === 1) for (const one of sharing) this.#touched.add(one);
  }

  /** What changed since the last call. */
  drain(): OAuthExposuresChange {
    const set: OAuthExposure[] = [];
    const removed: string[] = [];
    for (const unit of this.#touched) {
      const before = this.#told.get(unit) ?? null;
      const after = this.#exposureOf(unit);
      if (before !== null && before.id !== after?.id) removed.push(before.id);
      if (after === null) this.#told.delete(unit);
      else this.#told.set(unit, after);
      if (after !== null && (before?.id !== after.id || before.names.length !== after.names.length)) set.push(after);
    }
    this.#touched.clear();
    return { set, removed };
  }

  /** As told last; null: it has no client. */
  idOf(namespace: string, deployment: string): string | null {
    return this.#told.values().find((one) => one.deployment === deployment && one.namespace === namespace)?.id ?? null;
  }

  #exposureOf(unit: Unit): OAuthExposure | null {
    const key = this.#keys.get(unit);
    if (key === undefined) return null;
    if (this.#contestOf(unit, key).inNamespace) return null;
    const { id, plain, scoped, secret } = key;
    return {
      id,
      names: this.#isPlain ? [plain, scoped] : [scoped],
      secret,
      namespace: unit.namespace,
      deployment: unit.ref.name,
    };
  }

  #contestOf(unit: Unit, key: Key): { readonly inNamespace: boolean; readonly alone: boolean } {
    return {
      inNamespace: this.#sharing.get(placeOf(unit, key))!.size > 1,
      alone: this.#namespaces.get(key.plain) === 1,
    };
  }

  /** Of a unit, those that its own Problems do not tell. */
  problemsOf(unit: Unit): readonly Problem[] {
    if (!this.#isOn) return [];
    const oauth = unit.deployment?.oauth ?? null;
    if (oauth === null) return [];
    const problem = (
      level: Problem["level"],
      code: ProblemCode,
      field: string,
      sentence: string,
    ): readonly Problem[] => [{ code, level, subject: unit.ref, field, sentence }];
    if (oauth.kind === "bad") return problem("error", "bad-oauth", oauth.field, oauth.sentence);
    const key = this.#keys.get(unit);
    if (key === undefined) {
      return problem(
        "warning",
        "oauth-no-path",
        "spec.oauth_key",
        "its own configuration takes its requests, or the SeldonDeployment that seldon.io/ambassador-service-name names does, so no token is issued for it alone; remove the key, or the annotation",
      );
    }
    const { inNamespace, alone } = this.#contestOf(unit, key);
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
        `a SeldonDeployment of another namespace has the same key, so Sluice tells the two apart by their secrets, and issues no token for the key alone where these are the same too; clients send the key followed by ${unit.namespace}`,
      );
    return [];
  }
}

function placeOf({ namespace }: Unit, { plain }: Key): string {
  return `${plain} ${namespace}`;
}

/** null: none that leads to requests of this SeldonDeployment and no other. */
function keyOf({ deployment, configuration, ref }: Unit): Key | null {
  if (deployment === null || configuration !== null || externalNameOf(deployment) !== ref.name) return null;
  return deployment.oauth?.kind === "key" ? deployment.oauth : null;
}
