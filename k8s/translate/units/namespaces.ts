// Namespaces: the allowance of each, kept up to date. Units are only counted again when their namespace is near or over a limit.
import { compareText } from "../../../routing/text/problem.ts";
import { isOver, refusalsOf, usageOf, usesAllowance, type Usage } from "./usage.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import { nothing } from "../meaning/meaning.ts";
import type { Unit } from "./unit.ts";

interface Account {
  readonly units: Map<Unit, Usage>;
  readonly total: Usage;
  refused: boolean;
}

export class Namespaces {
  readonly #accounts = new Map<string, Account>();

  /** Takes units whose meaning changed; gives all units whose refusals changed. */
  update(changed: Iterable<Unit>): readonly Unit[] {
    const over = new Set<Account>();
    for (const unit of changed) {
      const account = this.#count(unit);
      if (account !== null && (account.refused || isOver(account.total))) over.add(account);
    }
    return [...over].flatMap((account) => this.#refuse(account));
  }

  #count(unit: Unit): Account | null {
    // What was let go uses none.
    const meaning = unit.meaning ?? nothing;
    let account = this.#accounts.get(unit.namespace) ?? null;
    const before = account?.units.get(unit) ?? null;
    if (!usesAllowance(meaning)) {
      if (before === null) return null;
      add(account!.total, before, -1);
      account!.units.delete(unit);
      unit.refusals = null;
      return account;
    }
    if (account === null)
      this.#accounts.set(
        unit.namespace,
        (account = { units: new Map(), total: { rawRoutes: 0, regexes: 0, configBytes: 0 }, refused: false }),
      );
    const usage = usageOf(meaning);
    if (before !== null) add(account.total, before, -1);
    add(account.total, usage, 1);
    account.units.set(unit, usage);
    return account;
  }

  #refuse(account: Account): readonly Unit[] {
    const units = [...account.units.keys()].sort(
      (a, b) =>
        compareText(a.createdAt, b.createdAt) ||
        compareText(a.ref.name, b.ref.name) ||
        compareText(a.ref.kind, b.ref.kind),
    );
    const refusals = refusalsOf(units, (unit) => unit.meaning!);
    account.refused = refusals.size > 0;
    const affected: Unit[] = [];
    for (const unit of units) {
      const after = refusals.get(unit) ?? null;
      if (sameRefusals(unit.refusals, after)) continue;
      unit.refusals = after;
      affected.push(unit);
    }
    return affected;
  }
}

function sameRefusals(a: Unit["refusals"], b: Unit["refusals"]): boolean {
  if (a === null || b === null) return a === b;
  return a.reason === b.reason && sameValue([...a.mappings], [...b.mappings]);
}

function add(total: Usage, usage: Usage, sign: 1 | -1): void {
  total.rawRoutes += sign * usage.rawRoutes;
  total.regexes += sign * usage.regexes;
  total.configBytes += sign * usage.configBytes;
}
