// /api/v1/who: who may call each deployment, or one. An object at a time: its rows are made where an answer tells of it.
import { objectKey, refOfKey, refOfMapping } from "../../../k8s/translate/model/object.ts";
import { servedHosts } from "../../explain/host-words.ts";
import { isNamed, nobodyNamed, whoBeside, whoPieces, whoRows, type Who, type WhoRow } from "../../explain/who.ts";
import {
  byForm,
  notFound,
  nothingUnread,
  queryOf,
  sendingText,
  textInSlices,
  textType,
  wantsText,
} from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import { FewAtOnce } from "../sending/few-at-once.ts";
import { sortedInSlices } from "../sorting.ts";
import { compareText } from "../../../routing/text/problem.ts";
import type { Viewer } from "../../api/viewer.ts";
import { slicesOfThread, type Slices } from "../../shared/slices.ts";
import { mappingOfId } from "../view/named-routes.ts";

/** An object with Mappings, and their ids. */
interface Declarer {
  readonly key: string;
  readonly ids: string[];
}

export function who({ view, policy, trustedHops, policyProblems, certificateSet }: EndpointParts): Handler {
  const world = () => ({
    policy: policy(),
    trustedHops,
    unread: nothingUnread,
    problems: policyProblems(),
    hosts: servedHosts(certificateSet()),
  });
  const beside = (viewer: Viewer): Omit<Who, "who"> =>
    viewer.seesAll ? whoBeside(world()) : { cleartext: [], problems: [] };
  const rowsOf = ({ ids }: Declarer): readonly WhoRow[] =>
    whoRows(
      ids.flatMap((id) => mappingOfId(view, id) ?? []),
      view.table.settings,
      world(),
    );
  /** `named` null: all. */
  const declarers = async (
    slices: Slices,
    sees: (namespace: string) => boolean,
    named: string | null,
  ): Promise<readonly Declarer[]> => {
    const found = new Map<string, Declarer>();
    for (const id of view.mappingIds) {
      await slices.pause();
      if (named !== null && !id.includes(named)) continue;
      const ref = refOfMapping(id);
      if (!isNamed(ref, named) || !sees(ref.namespace)) continue;
      const key = objectKey(ref);
      const known = found.get(key);
      if (known === undefined) found.set(key, { key, ids: [id] });
      else known.ids.push(id);
    }
    return [...found.values()];
  };
  const orderOf = ({ key }: Declarer): string => {
    const { namespace, name, kind } = refOfKey(key);
    return JSON.stringify([namespace, name, kind]);
  };
  const json = listing<Declarer>(
    {
      gather: (slices) => declarers(slices, () => true, null),
      key: orderOf,
      namespace: ({ key }) => refOfKey(key).namespace,
      json: rowsOf,
      rows: true,
      wanted: (query) => {
        const named = query.get("deployment");
        return ({ key }) => named === null || isNamed(refOfKey(key), named);
      },
    },
    (viewer) => ({ ...beside(viewer) }),
  );
  const textOf = async (found: readonly Declarer[], viewer: Viewer, slices: Slices): Promise<Buffer> => {
    const rows: WhoRow[] = [];
    for (const one of found) {
      rows.push(...rowsOf(one));
      await slices.pause();
    }
    const sorted = await sortedInSlices(rows, (a, b) => compareText(orderOfRow(a), orderOfRow(b)), slices);
    return textInSlices(whoPieces({ who: sorted, ...beside(viewer) }), slices);
  };
  const text = sendingText(async (viewer) => {
    const slices = slicesOfThread();
    return textOf(await declarers(slices, (namespace) => viewer.sees(namespace), null), viewer, slices);
  });
  const whole = byForm({ json, text, events: null });
  const few = new FewAtOnce();
  return async (request, reply, viewer) => {
    const named = queryOf(request).get("deployment");
    if (named === null) return whole(request, reply, viewer);
    const slices = slicesOfThread();
    const all = await declarers(slices, (namespace) => viewer.sees(namespace), named);
    if (all.length === 0) return notFound(reply, nobodyNamed(named));
    if (!wantsText(request)) return json(request, reply, viewer);
    if (!few.begin(reply, viewer)) return reply;
    return reply.type(textType).send(await textOf(all, viewer, slices));
  };
}

/** As `whoOf` has them. */
function orderOfRow({ source: { namespace, name, kind } }: WhoRow): string {
  return `${namespace}/${name} ${kind}`;
}
