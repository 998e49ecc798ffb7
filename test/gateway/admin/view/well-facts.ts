// What a gateway knows of itself where nothing is wrong.
import type { Facts } from "../../../../gateway/admin/view/status.ts";

export const wellFacts: Facts = {
  version: "0.1.0",
  workers: { ready: 2, wanted: 2, restarts: 0, stalls: 0 },
  table: { version: 3, hash: "abc", routes: 4 },
  sources: [{ kind: "folder", ageSeconds: 0, trouble: null }],
  failingPredictors: [],
  withoutEndpoint: { count: 0, deployments: [] },
  openBreakers: [],
  ejectedEndpoints: { count: 0, endpoints: [] },
  problems: { error: 0, warning: 4, info: 5 },
  certificates: [],
  waitsFor: null,
  peers: null,
  leader: null,
  redis: null,
};
