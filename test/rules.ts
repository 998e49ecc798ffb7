// The numbered rules of routing/RULES.md, as tests read them.

export interface Rule {
  readonly number: number;
  /** Golden cases that it names. */
  readonly cases: readonly string[];
}

/** Rules begin with `## 7. Name` and name their cases after `Golden:`. */
export function rulesOf(page: string): Rule[] {
  return page
    .split(/^## (?=\d)/m)
    .slice(1)
    .map((text) => ({
      number: Number.parseInt(text, 10),
      cases: [...(/^Golden:([^]*)/m.exec(text)?.[1] ?? "").matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
    }));
}

/** One line for each case that a rule names and that is not there, or that is there and that no rule names. */
export function strayCases(page: string, cases: readonly string[]): string[] {
  const rules = rulesOf(page);
  const named = new Set(rules.flatMap((rule) => rule.cases));
  return [
    ...rules.flatMap(({ number, cases: ofRule }) =>
      ofRule
        .filter((name) => !cases.includes(name))
        .map((name) => `rule ${number} names ${name}, which is not in test/golden`),
    ),
    ...cases.filter((name) => !named.has(name)).map((name) => `test/golden/${name} is named by no rule`),
  ];
}
