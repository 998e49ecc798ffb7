// Hosts: how hosts are served by TLS, as all objects together say.
import { sameValue } from "../../../routing/text/diff.ts";
import type { HostDeclaration } from "../../../routing/model/host-tls.ts";
import { compareText, type ObjectRef } from "../../../routing/text/problem.ts";
import { objectKey } from "../model/object.ts";

interface Declared {
  readonly createdAt: string;
  readonly hosts: readonly HostDeclaration[];
}

export class Hosts {
  /** By key of the object that declares them. */
  readonly #declared = new Map<string, Declared>();
  #inOrder: readonly HostDeclaration[] = [];
  /** Something may differ: put in order when somebody asks, once for all objects of a change. */
  #isStale = false;

  /** Hosts before TLSContexts, the oldest first: the same list until something differs. */
  get inOrder(): readonly HostDeclaration[] {
    if (!this.#isStale) return this.#inOrder;
    this.#isStale = false;
    const rank = (name: string): number => (name.startsWith("Host ") ? 0 : 1);
    const next = [...this.#declared]
      .sort(([a, { createdAt: aAt }], [b, { createdAt: bAt }]) => compareText(aAt, bAt) || compareText(a, b))
      .flatMap(([, { hosts: list }]) => list)
      .sort((a, b) => rank(a.name) - rank(b.name));
    if (!sameValue(this.#inOrder, next)) this.#inOrder = next;
    return this.#inOrder;
  }

  /** What an object declares now. */
  replace(ref: ObjectRef, createdAt: string, hosts: readonly HostDeclaration[]): void {
    const key = objectKey(ref);
    if (hosts.length === 0 && !this.#declared.has(key)) return;
    this.#isStale = true;
    if (hosts.length === 0) this.#declared.delete(key);
    else this.#declared.set(key, { createdAt, hosts });
  }
}
