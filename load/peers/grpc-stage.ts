// The stage of the gRPC suites: the origin, and every peer started, checked and left idle until its turn.
import { startChild, type Child } from "./child.ts";
import { deployments, type FleetPlan } from "./fleet.ts";
import { callFields } from "./grpc-plan.ts";
import { Calls } from "./h2/calls.ts";
import { block, message } from "./h2/frames.ts";
import { grpcPredictors, type GrpcOriginQuestion, type GrpcOriginReport } from "./origins/grpc.ts";
import { loadCore } from "./process.ts";
import { grpcPeersNamed } from "./proxies/grpc.ts";
import type { Peer, PeerKind } from "./proxies/peer.ts";
import { otherPrefix } from "./proxies/sluice.ts";
import type { Contender } from "./rounds.ts";
import { startContenders } from "./stage.ts";
import type { SuiteOptions } from "./suites/suite.ts";

export interface GrpcStage {
  readonly fleet: FleetPlan;
  readonly contenders: readonly Contender[];
  readonly origin: Child<GrpcOriginQuestion, GrpcOriginReport>;
}

export const grpcPeersByDefault: readonly string[] = [
  "sluice",
  "envoy-emissary",
  "envoy-one",
  "haproxy-one",
  "haproxy-map",
  "nginx",
];

/** Peers of the command line that speak gRPC. */
export function grpcPeersOf(options: SuiteOptions): readonly string[] {
  const chosen = options.peers.filter((name) => grpcPeersByDefault.includes(name) || name.startsWith(otherPrefix));
  if (chosen.length === 0) throw new Error(`--peers: choose from ${grpcPeersByDefault.join(", ")}`);
  return chosen;
}

const probeBytes = 72;

/** Calls every deployment once, one after the other, and one that is not there. Rejects with the first answer that is not as the peer's description says. */
async function probe(kind: PeerKind, peer: Peer, fleet: FleetPlan): Promise<void> {
  const answers = Object.values(grpcPredictors).map((fill) => message(probeBytes, fill));
  const all = deployments(fleet);
  const stranger = { ...all[0]!, name: "nobody" };
  await new Promise<void>((resolve, reject) => {
    let at = 0;
    const next = (): void => {
      const deployment = at < all.length ? all[at]! : stranger;
      calls.begin(block(callFields(deployment)), message(probeBytes, "q"), true, 0);
    };
    const calls = new Calls({ host: "127.0.0.1", port: peer.port }, answers, {
      done(_connection, call, whole) {
        const right = call.grpcStatus === 0 && whole;
        const expected = at < all.length || !kind.rewrites;
        if (right !== expected)
          reject(
            new Error(
              `${kind.name}: a call to ${at < all.length ? all[at]!.name : "nobody"} is answered ${call.status}, grpc-status ${call.grpcStatus} ${call.grpcMessage}`,
            ),
          );
        else if (at++ < all.length) next();
        else {
          calls.end();
          resolve();
        }
      },
      lost: (_connection, _calls, sentence) => reject(new Error(`${kind.name}: ${sentence}`)),
    });
    next();
  });
}

export async function setGrpcStage(options: SuiteOptions): Promise<GrpcStage> {
  const origin = startChild<GrpcOriginQuestion, GrpcOriginReport>(
    new URL("origins/grpc-origin.ts", import.meta.url),
    loadCore,
  );
  const wrong = { main: "x", canary: "y" };
  const { ports } = await origin.ask({ predictors: options.wrongBodies ? wrong : grpcPredictors });
  const fleet: FleetPlan = {
    deployments: options.deployments,
    addresses: "shared",
    mainPort: ports["main"]!,
    canaryPort: ports["canary"]!,
  };
  const contenders = await startContenders(grpcPeersNamed(grpcPeersOf(options)), fleet, options, probe);
  return { fleet, contenders, origin };
}
