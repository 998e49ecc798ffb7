// PolicyWatcher: brings the policy file, the keys that it names and the data workers together. A file that becomes wrong is a Problem, and the last
// good one stays; keys that are gone admit nobody.
import type { ControlPart } from "../part.ts";
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { unwatchFile, watchFile } from "node:fs";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import type { SourceChange } from "../../../k8s/source/objects/source.ts";
import { refOfKey } from "../../../k8s/translate/model/object.ts";
import { secretTexts } from "../../../k8s/translate/backends/tls.ts";
import { noPolicy, type CallPolicy } from "../../callers/call-policy.ts";
import { lackingKeys } from "../../callers/lacking-keys.ts";
import {
  completePolicy,
  decodePolicyFile,
  placesOf,
  providerProblem,
  viewerPlacesOf,
  viewerProblem,
  type PolicyDeclaration,
} from "../../callers/policy-file.ts";
import { viewersOf, type Viewers } from "../../callers/viewers.ts";
import { readMaterial, readPolicy } from "../../callers/read-policy.ts";
import { kindOf, type Provider } from "../../callers/providers/kinds.ts";
import type { Material, MaterialPlace } from "../../callers/providers/material.ts";
import type { KeysState } from "../../callers/providers/provider.ts";
import type { Log } from "../../shared/log.ts";
import type { Clock } from "../../shared/clock.ts";
import type { HttpAnswer, KeptPolicy } from "../../shared/messages.ts";
import { JwksCache } from "./jwks-cache.ts";

/** Files are looked at so often, ms: a mounted ConfigMap changes by a link, which few ways of watching see. */
export const policyLookMs = 1000;

export interface PolicyOutside {
  readonly log: Log;
  /** Another policy holds from now on. `before`: the one that held; null: this is the first. */
  readonly changed: (kept: KeptPolicy, before: CallPolicy | null) => void;
  readonly problemsChanged: () => void;
  /** Something beside the policy lets anybody call (`anonymous: true` of a Grant). */
  readonly opens: boolean;
  readonly lookMs: number;
  readonly clock: Clock;
  readonly fetchKeys: (url: string) => Promise<HttpAnswer>;
  /** New keys of this provider were looked for, because somebody asked. */
  readonly keysLooked: (provider: string) => void;
}

export class PolicyWatcher implements ControlPart {
  readonly #file: string | null;
  readonly #outside: PolicyOutside;
  /** Text of the last good file. */
  #text: string;
  #declaration: PolicyDeclaration | null = null;
  #policy: CallPolicy;
  /** A policy was handed on, by this watcher or the one before it. */
  #isTold: boolean;
  /** Secrets by `namespace/name`, those of a folder whether they are named or not; null: it is gone. */
  readonly #secrets = new Map<string, Material | null>();
  /** Files by path; null: it cannot be read. */
  readonly #files = new Map<string, Material | null>();
  readonly #jwks: JwksCache;
  #viewers: Viewers = new Map();
  #isSynced = false;
  #fileProblem: Problem | null = null;
  #keyProblems: readonly Problem[] = [];
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `file` null: there is no policy. `kept`: what an earlier control worker left. */
  constructor(file: string | null, kept: KeptPolicy | null, outside: PolicyOutside) {
    this.#file = file;
    this.#outside = outside;
    this.#text = kept?.text ?? "";
    this.#policy = kept?.policy ?? noPolicy;
    this.#isTold = kept !== null;
    this.#jwks = new JwksCache({
      clock: outside.clock,
      fetch: outside.fetchKeys,
      changed: () => this.#complete(),
      looked: (url) => {
        for (const name of this.#providersOf(url)) outside.keysLooked(name);
      },
    });
  }

  get policy(): CallPolicy {
    return this.#policy;
  }

  get problems(): readonly Problem[] {
    return this.#fileProblem === null ? this.#keyProblems : [this.#fileProblem, ...this.#keyProblems];
  }

  /** What is missing before data workers get their first policy, without which each of them refuses everybody; null: they have one, or need none. */
  get waitsFor(): string | null {
    if (this.#file === null || this.#isTold) return null;
    const declaration = this.#declaration;
    if (declaration === null) return "it waits for the policy file (--policy) to be read";
    if (placesOf(declaration).some((place) => this.#isUnknown(place)))
      return "it waits for the Secrets that the policy names";
    const lacking = lackingKeys(declaration, (name) => this.#lacksKeys(name), this.#outside.opens);
    return lacking.length === 0
      ? null
      : `it waits for the keys of ${lacking.slice(0, 8).join(", ")}${lacking.length > 8 ? " and others" : ""}, as without them the policy admits nobody: create them, or read the Problems of the policy`;
  }

  /** Who may ask the admin API; nobody until the policy is read. */
  get viewers(): Viewers {
    return this.#viewers;
  }

  /** Secrets that the policy names, `namespace/name`. */
  get wantedSecrets(): readonly string[] {
    return this.#places().flatMap((place) =>
      place.kind === "secret" ? [namespacedName(place.namespace, place.name)] : [],
    );
  }

  /** Reads the file for the first time. Throws one sentence when it is wrong and no earlier one is known. */
  async open(): Promise<void> {
    if (this.#file === null) return;
    const wrong = await this.#read();
    if (wrong !== null) {
      const before = this.#text === "" ? null : decodePolicyFile(this.#text);
      if (before === null || before.kind === "wrong") throw new Error(wrong);
      this.#declaration = before.value;
      this.#tell(wrong);
    }
    await this.#readMaterial();
    // A first policy without the keys of an issuer would refuse everybody for a moment. Later ones have those of before.
    if (!this.#isTold) await this.#jwks.tried();
    this.#complete();
    this.#watch(this.#file);
  }

  /** A token names a key that the provider has not. */
  askKeys(provider: string): void {
    const url = this.#urlOf(provider);
    if (url !== null) this.#jwks.ask(url);
  }

  /** Takes the Secrets of a change. */
  change({ set, removed }: Pick<SourceChange, "set" | "removed">): void {
    if (this.#file === null) return;
    const secrets: [name: string, material: Material | null][] = [];
    for (const { ref, object } of set)
      if (ref.kind === "Secret") secrets.push([namespacedName(ref.namespace, ref.name), secretTexts(object)]);
    for (const { kind, namespace, name } of removed.map(refOfKey))
      if (kind === "Secret") secrets.push([namespacedName(namespace, name), null]);
    // A folder has Secrets that the policy may name later.
    for (const [name, material] of secrets) this.#secrets.set(name, material);
    const wanted = this.wantedSecrets;
    const touched = secrets.some(([name]) => wanted.includes(name));
    if (touched) this.#complete();
  }

  /** The Source has delivered all that there is: a Secret that was not among it is not there. */
  synced(): void {
    if (this.#isSynced) return;
    this.#isSynced = true;
    this.#complete();
  }

  stop(): void {
    this.#stopped = true;
    this.#jwks.stop();
    if (this.#file !== null) unwatchFile(this.#file);
    for (const file of this.#files.keys()) unwatchFile(file);
  }

  #watch(file: string): void {
    watchFile(file, { interval: this.#outside.lookMs, persistent: false }, () => this.#look());
  }

  #look(): void {
    this.#looking = this.#looking.then(async () => {
      if (this.#stopped) return;
      const wrong = await this.#read();
      await this.#readMaterial();
      if (this.#stopped) return;
      this.#tell(wrong);
      this.#complete();
    });
  }

  /** null: the file holds a policy; else what is wrong. */
  async #read(): Promise<string | null> {
    const read = await readPolicy(this.#file!);
    if (read.kind === "failed") return read.sentence;
    this.#text = read.text;
    this.#declaration = read.policy;
    return null;
  }

  #tell(wrong: string | null): void {
    const before = this.#fileProblem?.sentence ?? null;
    this.#fileProblem =
      wrong === null
        ? null
        : {
            code: "bad-policy",
            level: "error",
            subject: { kind: "Policy", namespace: "", name: "policy" },
            field: "",
            sentence: `${wrong}; Sluice keeps the last good policy`,
          };
    if ((this.#fileProblem?.sentence ?? null) !== before) this.#outside.problemsChanged();
  }

  async #readMaterial(): Promise<void> {
    this.#jwks.want(
      this.#declaration === null
        ? []
        : placesOf(this.#declaration).flatMap((place) => (place.kind === "url" ? [place.url] : [])),
    );
    const wanted = new Set(this.#places().flatMap((place) => (place.kind === "file" ? [place.file] : [])));
    for (const file of this.#files.keys()) {
      if (wanted.has(file)) continue;
      unwatchFile(file);
      this.#files.delete(file);
    }
    for (const file of wanted) {
      if (!this.#files.has(file)) this.#watch(file);
      this.#files.set(file, await readMaterial(file));
    }
  }

  /** Puts declaration and keys together, and hands them on where that makes a difference. */
  #complete(): void {
    const declaration = this.#declaration;
    if (declaration === null) return;
    const problems: Problem[] = [];
    const report = (provider: string, sentence: string): void =>
      void problems.push(providerProblem(provider, sentence));
    const kept = this.#policy;
    const next = completePolicy(declaration, (place) => this.#materialAt(place), report);
    const providers = Object.fromEntries(
      Object.entries(next.providers).map(([name, provider]) => [name, this.#withKeptKeys(name, provider)]),
    );
    for (const [name, declared] of Object.entries(declaration.providers)) {
      if (declared.from?.kind !== "url") continue;
      const what =
        keysOf(providers[name]!) === "unknown"
          ? "are not known, so it admits nobody"
          : "are not renewed, and the last ones hold";
      for (const fault of this.#jwks.stateOf(declared.from.url).faults)
        report(name, `its keys at ${declared.from.url} ${what}: ${fault}`);
    }
    const policy: CallPolicy = { ...next, providers };
    this.#viewers = viewersOf(
      declaration.viewers,
      (place) => this.#materialAt(place),
      (name, sentence) => void problems.push(viewerProblem(name, sentence)),
    );
    this.#keyProblems = this.#isSynced ? problems : [];
    this.#outside.problemsChanged();
    this.#policy = policy;
    // The first one is news whatever it says: until data workers have one, they refuse everybody.
    if (this.#isTold ? sameValue(policy, kept) : this.waitsFor !== null) return;
    const before = this.#isTold ? kept : null;
    this.#isTold = true;
    this.#outside.changed({ text: this.#text, policy }, before);
  }

  /** While it is not known whether a Secret is there, or a key set was not got, those of the control worker before hold. */
  #withKeptKeys(name: string, provider: Provider): Provider {
    const kept = this.#policy.providers[name];
    const { from } = this.#declaration!.providers[name]!;
    if (kept === undefined || kept.kind !== provider.kind || from === null) return provider;
    if (keysOf(provider) === "unknown") return kindOf(provider).withKeysOf(provider, kept);
    return this.#isUnknown(from) ? kept : provider;
  }

  /** Where all is that the policy names. */
  #places(): readonly MaterialPlace[] {
    const declaration = this.#declaration;
    return declaration === null ? [] : [...placesOf(declaration), ...viewerPlacesOf(declaration)];
  }

  #urlOf(provider: string): string | null {
    const providers = this.#declaration?.providers ?? {};
    const declared = Object.hasOwn(providers, provider) ? providers[provider]! : null;
    return declared?.from?.kind === "url" ? declared.from.url : null;
  }

  #providersOf(url: string): readonly string[] {
    return Object.keys(this.#declaration?.providers ?? {}).filter((name) => this.#urlOf(name) === url);
  }

  #materialAt(place: MaterialPlace): Material | null {
    switch (place.kind) {
      case "file":
        return this.#files.get(place.file) ?? null;
      case "secret":
        return this.#secrets.get(namespacedName(place.namespace, place.name)) ?? null;
      case "url": {
        const { text } = this.#jwks.stateOf(place.url);
        return text === null ? null : new Map([["", Buffer.from(text)]]);
      }
    }
  }

  /** Those of a client certificate come with the connection. Of keys that were all written in a way that is not taken here nobody has one; a place that is empty was meant so. */
  #lacksKeys(name: string): boolean {
    const declared = this.#declaration!.providers[name]!;
    if (declared.from === null) return false;
    const material = this.#materialAt(declared.from);
    if (material === null) return true;
    if (Array.from(material.values()).every(saysNothing)) return false;
    const provider = this.#policy.providers[name];
    return provider !== undefined && keysOf(provider) !== "some";
  }

  #isUnknown(place: MaterialPlace): boolean {
    return (
      place.kind === "secret" && !this.#isSynced && !this.#secrets.has(namespacedName(place.namespace, place.name))
    );
  }
}

function keysOf(provider: Provider): KeysState {
  return kindOf(provider).keys(provider);
}

/** It is blank, or holds comments only. */
function saysNothing(entry: Buffer): boolean {
  return entry
    .toString()
    .split("\n")
    .every((line) => /^(?:#|$)/.test(line.trim()));
}
