// Namespaces: the allowance of each, kept up to date. Declarers are only counted again when their namespace is near or over a limit.
import { compareText } from "../../../routing/text/problem.ts";
import { isOver, refusalsOf, usageOf, usesAllowance, type Usage } from "./usage.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import { nothing } from "../meaning/meaning.ts";
import type { Declarer } from "./declarer.ts";

interface Account {
  readonly declarers: Map<Declarer, Usage>;
  readonly total: Usage;
  refused: boolean;
}

export class Namespaces {
  readonly #accounts = new Map<string, Account>();

  /** Takes declarers whose meaning changed; gives all declarers whose refusals changed. */
  update(changed: Iterable<Declarer>): readonly Declarer[] {
    const over = new Set<Account>();
    for (const declarer of changed) {
      const account = this.#count(declarer);
      if (account !== null && (account.refused || isOver(account.total))) over.add(account);
    }
    return [...over].flatMap((account) => this.#refuse(account));
  }

  #count(declarer: Declarer): Account | null {
    // What was let go uses none.
    const meaning = declarer.meaning ?? nothing;
    let account = this.#accounts.get(declarer.namespace) ?? null;
    const before = account?.declarers.get(declarer) ?? null;
    if (!usesAllowance(meaning)) {
      if (before === null) return null;
      add(account!.total, before, -1);
      account!.declarers.delete(declarer);
      declarer.refusals = null;
      return account;
    }
    if (account === null)
      this.#accounts.set(
        declarer.namespace,
        (account = { declarers: new Map(), total: { rawRoutes: 0, regexes: 0, configBytes: 0 }, refused: false }),
      );
    const usage = usageOf(meaning);
    if (before !== null) add(account.total, before, -1);
    add(account.total, usage, 1);
    account.declarers.set(declarer, usage);
    return account;
  }

  #refuse(account: Account): readonly Declarer[] {
    const declarers = [...account.declarers.keys()].sort(
      (a, b) =>
        compareText(a.createdAt, b.createdAt) ||
        compareText(a.ref.name, b.ref.name) ||
        compareText(a.ref.kind, b.ref.kind),
    );
    const refusals = refusalsOf(declarers, (declarer) => declarer.meaning!);
    account.refused = refusals.size > 0;
    const affected: Declarer[] = [];
    for (const declarer of declarers) {
      const after = refusals.get(declarer) ?? null;
      if (sameRefusals(declarer.refusals, after)) continue;
      declarer.refusals = after;
      affected.push(declarer);
    }
    return affected;
  }
}

function sameRefusals(a: Declarer["refusals"], b: Declarer["refusals"]): boolean {
  if (a === null || b === null) return a === b;
  return a.reason === b.reason && sameValue([...a.mappings], [...b.mappings]);
}

function add(total: Usage, usage: Usage, sign: 1 | -1): void {
  total.rawRoutes += sign * usage.rawRoutes;
  total.regexes += sign * usage.regexes;
  total.configBytes += sign * usage.configBytes;
}
