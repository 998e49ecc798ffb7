// Checks a peer before it is measured: that it does what its description says, for every deployment.
import { request, Agent } from "node:http";
import { answerOf, canaryPercent, deployments, predictionBody, type FleetPlan } from "./fleet.ts";
import type { Peer, PeerKind } from "./proxies/peer.ts";
import { probeField } from "./upstream.ts";

interface ProbeAnswer {
  readonly status: number;
  readonly uri: string;
  readonly predictor: string;
  readonly body: string;
}

async function probeOnce(agent: Agent, port: number, path: string): Promise<ProbeAnswer> {
  const body = predictionBody(70);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        host: "127.0.0.1",
        port,
        method: "POST",
        path,
        headers: {
          host: "gateway.example:8003",
          "content-type": "application/json",
          "content-length": body.length,
          [probeField]: "yes",
        },
      },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => {
          text += part;
        });
        response.on("end", () => {
          const uri = response.headers["x-received-uri"];
          const predictor = response.headers["x-predictor"];
          resolve({ status: response.statusCode ?? 0, uri: String(uri), predictor: String(predictor), body: text });
        });
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Rejects with a sentence when an answer is not 200, the path is not rewritten as promised, or the share of the canary is not as promised. */
export async function probe(kind: PeerKind, peer: Peer, fleet: FleetPlan): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  let canaries = 0;
  const all = deployments(fleet);
  const answers = await Promise.all(
    all.map(async (deployment) => {
      const path = `${deployment.prefix}api/v0.1/predictions?a=1`;
      const answer = await probeOnce(agent, peer.port, path);
      const uri = kind.rewrites ? "/api/v0.1/predictions?a=1" : path;
      if (answer.status !== 200)
        throw new Error(`${kind.name}: ${path} is answered ${answer.status}: ${answer.body.slice(0, 200)}`);
      if (answer.uri !== uri) throw new Error(`${kind.name}: ${path} arrives as ${answer.uri}, not as ${uri}`);
      if (answer.body !== answerOf(answer.predictor))
        throw new Error(`${kind.name}: ${path} is answered with ${answer.body.slice(0, 200)}`);
      return answer;
    }),
  );
  for (const answer of answers) if (answer.predictor === "canary") canaries++;
  agent.destroy();
  checkShare(kind, canaries, all.length);
}

/** Six standard deviations of a fair draw. A peer that takes turns instead of drawing may start every backend with the same predictor: it is checked by the load. */
export function checkShare(kind: PeerKind, canaries: number, count: number): void {
  const share = kind.splits ? canaryPercent / 100 : 0;
  const allowed = kind.splits ? 6 * Math.sqrt((share * (1 - share)) / count) : 0;
  if (kind.name !== "haproxy-map" && Math.abs(canaries / count - share) > allowed) {
    throw new Error(`${kind.name}: ${canaries} of ${count} answers came from the canary, not ${share * 100} %`);
  }
}
