// `sluice who`: who may call which deployment, and since what: the same for manifests and for a gateway that runs.
import type { Mapping } from '../routing/mapping.ts';
import { compareText } from '../routing/problem.ts';
import type { ObjectRef } from '../routing/problem.ts';
import type { RouteTable } from '../routing/table.ts';
import type { CallPolicy } from './callers/call-policy.ts';
import { admittanceOf } from './callers/effective.ts';
import { limitsOf } from './callers/effective-limits.ts';
import { addressTexts, admittanceText, limitsSince, limitsText, sinceText } from './callers/words.ts';
import { Columns, type Column } from './columns.ts';

/** What holds for one object's Mappings. */
export interface WhoRow {
  readonly source: ObjectRef;
  /** Who may call, in words. */
  readonly callers: string;
  readonly since: string;
  /** From which addresses, and since what: each list that holds; empty: from any. */
  readonly addresses: readonly string[];
  /** How much may come, and since what; "": any number. */
  readonly limits: string;
}

const columns: readonly Column[] = [
  { heading: 'DEPLOYMENT', align: 'left', most: 48 },
  { heading: 'WHO MAY CALL', align: 'left', most: 56 },
  { heading: 'SINCE', align: 'left', most: 80 },
  { heading: 'LIMITS', align: 'left', most: 120 },
  { heading: 'ADDRESSES', align: 'left', most: 120 },
];

/** One row an object with Mappings, in order. `named`: `NAMESPACE/NAME` or `NAME`; null: all. */
export function whoRows(table: RouteTable<unknown>, policy: CallPolicy, named: string | null): readonly WhoRow[] {
  const rows = new Map<string, WhoRow>();
  for (const { mappings } of table.routesInOrder()) {
    for (const mapping of mappings) {
      const key = `${mapping.source.namespace}/${mapping.source.name} ${mapping.source.kind}`;
      if (!rows.has(key) && isNamed(mapping.source, named)) rows.set(key, rowOf(mapping, policy));
    }
  }
  return [...rows].toSorted(([a], [b]) => compareText(a, b)).map(([, row]) => row);
}

function isNamed({ namespace, name }: ObjectRef, named: string | null): boolean {
  return named === null || named === name || named === `${namespace}/${name}`;
}

function rowOf(mapping: Mapping, policy: CallPolicy): WhoRow {
  const admittance = admittanceOf(mapping.guard, mapping.namespace, policy);
  const limits = limitsOf(mapping.guard, mapping.namespace, policy);
  return { source: mapping.source, callers: admittanceText(admittance), since: sinceText(admittance, mapping), addresses: addressTexts(mapping, policy), limits: limits.limits.length === 0 ? '' : `${limitsText(limits)} (${limitsSince(limits, mapping)})` };
}

/** The table for people; ends with a newline. */
export function printWho(rows: readonly WhoRow[]): string {
  if (rows.length === 0) return 'no such deployment\n';
  const cells = rows.map(({ source, callers, since, addresses, limits }) => [`${source.namespace}/${source.name}${source.kind === 'SeldonDeployment' ? '' : ` (${source.kind})`}`, callers, since, limits === '' ? 'any number' : limits, addresses.length === 0 ? 'any' : addresses.join('; ')]);
  const layout = new Columns(columns, cells, 0);
  return [layout.headings(), ...cells.map((row) => layout.row(row))].map((line) => `${line}\n`).join('');
}
