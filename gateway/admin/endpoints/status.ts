// /api/v1/status: is the gateway well? Everything is read when it is asked for; what has to be counted is, in slices.
import { visibleLines } from "../../../routing/text/visible.ts";
import { build } from "../../shared/build.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { statusPath, statusShape, type JoinedStatus, type Status } from "../../api/status.ts";
import { queryOf, sendingShared } from "../answers.ts";
import { isOfSelf, othersSay, ownName } from "../joined.ts";
import { joinedStatus } from "../view/joined-status.ts";
import { breakerUse } from "../view/breakers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { slicesOfThread } from "../../shared/slices.ts";
import { failingPredictors, symptomsOf } from "../view/symptoms.ts";
import { ejectedEndpoints, endingCertificates, statusOf, withoutEndpoint } from "../view/status.ts";

/** The status of all replicas; with `replica=self` that of this one alone. */
export function status(parts: EndpointParts): Handler {
  const made = async (status: Promise<Status>): Promise<Buffer> =>
    Buffer.from(visibleLines(JSON.stringify(await status)));
  const own = sendingShared(() => made(ownStatus(parts)));
  const all = sendingShared(() => made(statusOfAll(parts)));
  return (request, reply, viewer) => (isOfSelf(queryOf(request)) ? own : all)(request, reply, viewer);
}

async function statusOfAll(parts: EndpointParts): Promise<JoinedStatus> {
  const [own, others] = await Promise.all([ownStatus(parts), othersSay(parts.peers, statusPath, statusShape)]);
  return joinedStatus(own, [
    { name: ownName, status: own, sentence: null },
    ...others.said.map(({ replica: name, value }) => ({ name, status: value, sentence: null })),
    ...others.away.map(({ replica: name, sentence }) => ({ name, status: null, sentence })),
  ]);
}

async function ownStatus(parts: EndpointParts): Promise<Status> {
  const { view, blocks, workers, usesRedis, nowMs } = parts;
  const sum = (cell: number): number => blocks.reduce((total, block) => total + block[cell]!, 0);
  const problems = { error: 0, warning: 0, info: 0 };
  for (const { level } of await view.gatherProblems(slicesOfThread())) problems[level] += 1;
  const use = await breakerUse(blocks, () => view.counted.breakers, slicesOfThread());
  const without = await withoutEndpoint(view, slicesOfThread());
  const measured = await view.counted.measuredLately(slicesOfThread());
  const most = Math.max(...blocks.map((block) => block[fixed.endpointsEjected]!));
  const ejected = await ejectedEndpoints(view.counted, most, slicesOfThread());
  const now = nowMs();
  const { version, hash, routeCount } = view.served;
  return statusOf(
    {
      version: build.digest === null ? build.version : `${build.version} (build ${build.digest})`,
      workers: {
        ready: view.serving,
        wanted: workers,
        restarts: sum(fixed.workerRestarts),
        stalls: sum(fixed.workerStalls),
      },
      table: { version, hash, routes: routeCount },
      sources: [{ kind: parts.sourceKind, ageSeconds: parts.sourceAgeSeconds(), trouble: parts.sourceTrouble() }],
      failingPredictors: failingPredictors(measured),
      withoutEndpoint: without.deployments,
      openBreakers: use.flatMap(({ resource, open }) => (open === 0 ? [] : [{ resource, count: open }])),
      ejectedEndpoints: ejected,
      problems,
      certificates: endingCertificates(parts.certificates(), now),
      waitsFor: parts.notReady(),
      peers: parts.peers?.status ?? null,
      leader: parts.leader(),
      redis: usesRedis ? { connected: sum(fixed.redisReady), wanted: workers } : null,
    },
    now,
    symptomsOf(
      { measured, withoutEndpoint: without.others, rollouts: parts.rollouts(), lately: view.counted.lately },
      now,
    ),
  );
}
