// /api/routes: the table as JSON, in the order tried. Built field by field, so that nothing secret of an Upstream can slip out.
import type { Mapping } from '../../routing/mapping.ts';
import type { Match } from '../../routing/match.ts';
import type { ObjectRef } from '../../routing/problem.ts';
import { routesInOrder } from '../../routing/table.ts';
import type { Route, RouteTable } from '../../routing/table.ts';

export interface RoutesAnswer {
  readonly version: number;
  readonly hash: string;
  readonly singleNamespace: string | null;
  readonly routes: readonly RouteAnswer[];
}

interface RouteAnswer {
  readonly key: string;
  readonly namespace: string;
  /** Whose owned space it is looked up in; null: shared. */
  readonly space: string | null;
  readonly granted: boolean;
  readonly precedence: number;
  readonly match: Match;
  readonly members: readonly (MemberAnswer & {
    /** 0..1, as declared and after readiness. */
    readonly declared: number;
    readonly share: number;
  })[];
  readonly shadows: readonly (MemberAnswer & { readonly fraction: number })[];
}

interface MemberAnswer {
  readonly mapping: string;
  readonly source: ObjectRef;
  readonly predictor: string;
  /** Key of the Upstream, or where a redirect leads. */
  readonly to: string;
  readonly ready: boolean;
}

export function routesOf(table: RouteTable<null>): RoutesAnswer {
  return { version: table.version, hash: table.hash, singleNamespace: table.settings.singleNamespace, routes: routesInOrder(table).map(routeOf) };
}

function routeOf({ key, namespace, space, granted, precedence, match, split, shadows }: Route<null>): RouteAnswer {
  return {
    key,
    namespace,
    space,
    granted,
    precedence,
    match,
    members: split.members.map(({ mapping, ready, declared, share }) => ({ ...memberOf(mapping, ready), declared, share })),
    shadows: shadows.map(({ mapping, ready, fraction }) => ({ ...memberOf(mapping, ready), fraction })),
  };
}

function memberOf({ id, source, series, target }: Mapping, ready: boolean): MemberAnswer {
  const to = target.kind === 'forward' ? target.upstream : `redirect ${target.code} ${target.host}`;
  return { mapping: id, source, predictor: series.predictor, to, ready };
}
