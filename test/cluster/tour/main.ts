// The tour: `npm run tour` shows, on a real API server of this machine, what an ops team does with Sluice in a cluster, and checks each answer.
// Exit code 1 when an answer was not the expected one or a single request under load failed, 3 where the tour cannot be had.
//
// What a whole cluster does by itself, this script does by hand, because no controller and no kubelet run: it starts the model servers of the
// examples and writes their Services and EndpointSlices, and it starts the gateway as the pod that the chart describes.
import { setTimeout as delay } from "node:timers/promises";
import type { ClusterObject } from "../api-client.ts";
import { ApiServer } from "../api-server.ts";
import { binaries } from "../binaries.ts";
import { startInstalled } from "../installed-gateway.ts";
import { ownNetworkMissing } from "../own-network.ts";
import { PodNetwork, podNetworkMissing } from "../pod-network.ts";
import { PodService } from "../pods.ts";
import { answersOf, PredictionStream } from "../stream.ts";
import { Tour } from "./tour.ts";

const namespace = "models";
const examples = ["plain", "canary", "canary-by-deployment", "header", "shadow"].map(
  (name) => `k8s/examples/${name}.yaml`,
);
/** Predictors of the examples. */
const predictors = [
  ["iris", "default"],
  ["iris-canary", "main"],
  ["iris-canary", "canary"],
  ["iris-weighted", "default"],
  ["iris-weighted-next", "default"],
  ["iris-header", "default"],
  ["iris-header-london", "default"],
  ["iris-shadow", "default"],
  ["iris-shadow", "candidate"],
] as const;

/** Draws of a share, and what it may differ by: five standard deviations. */
const draws = 500;
const patienceMs = 15_000;

interface Reply {
  readonly status: number;
  /** "" when no pod answered. */
  readonly pod: string;
}

async function ask(base: string, deployment: string, headers: Record<string, string> = {}): Promise<Reply> {
  const response = await fetch(`${base}/seldon/${namespace}/${deployment}/api/v1.0/predictions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: '{"data":{"ndarray":[[7.0,3.2,4.7,1.4]]}}',
  });
  const text = await response.text();
  return { status: response.status, pod: /"pod":"([^"]*)"/.exec(text)?.[1] ?? "" };
}

/** The last value that `look` gave: the first that `suits`, or what it was when patience ended. */
async function awaited<T>(look: () => Promise<T>, suits: (value: T) => boolean): Promise<T> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const value = await look();
    if (suits(value) || performance.now() > until) return value;
    await delay(20);
  }
}

function sum(answers: ReadonlyMap<string, number>): number {
  return [...answers.values()].reduce((total, count) => total + count, 0);
}

async function run(cluster: ApiServer, network: PodNetwork, endings: (() => Promise<unknown>)[]): Promise<number> {
  const { admin } = cluster;
  const tour = new Tour(await cluster.kubeconfig("tour"));

  tour.step("A Kubernetes API server with RBAC, and the CRD that Seldon Core installs");
  await cluster.install("seldondeployments");
  await tour.type("kubectl version");
  await tour.type("kubectl get crd");

  tour.step("Sluice: the chart, and a process that is the pod of its Deployment: its service account, its arguments");
  await tour.type("helm install sluice k8s/chart --namespace sluice --create-namespace");
  await tour.type("kubectl auth can-i --list --namespace models --as system:serviceaccount:sluice:sluice");
  const deployment = (await admin.get(
    "/apis/apps/v1/namespaces/sluice/deployments/sluice",
  )) as unknown as ClusterObject;
  const gateway = await startInstalled(cluster, [deployment]);
  endings.push(() => gateway.kill());
  const { traffic } = await gateway.listening();
  tour.note(`it listens on ${traffic}`);

  tour.step("SeldonDeployments, and what the operator, Kubernetes and the pods add to them");
  await tour.type(`kubectl create namespace ${namespace}`);
  await tour.type(`kubectl apply ${examples.map((file) => `-f ${file}`).join(" ")}`);
  const services = new Map<string, PodService>();
  for (const [name, predictor] of predictors) {
    const service = new PodService(admin, network, { namespace, deployment: name, predictor });
    services.set(service.name, service);
    await service.create(2);
    endings.push(() => service.kill());
  }
  await tour.type(`kubectl get sdep,services --namespace ${namespace}`);

  tour.step("Predictions");
  const plain = await awaited(
    () => ask(traffic, "iris"),
    ({ status }) => status === 200,
  );
  tour.check(
    "POST /seldon/models/iris/api/v1.0/predictions",
    plain.pod.startsWith("iris-default-"),
    `${plain.status}, answered by ${plain.pod}`,
  );
  const london = await awaited(
    () => ask(traffic, "iris-header", { location: "london" }),
    ({ status }) => status === 200,
  );
  tour.check(
    "the header location: london chooses its deployment",
    london.pod.startsWith("iris-header-london-"),
    london.pod,
  );
  const elsewhere = await ask(traffic, "iris-header");
  tour.check(
    "and without the header the other answers",
    elsewhere.pod.startsWith("iris-header-default-"),
    elsewhere.pod,
  );
  const shadow = services.get("iris-shadow-candidate")!;
  const copies = (): number => shadow.pods.reduce((sum, { answered }) => sum + answered, 0);
  const first = await awaited(
    () => ask(traffic, "iris-shadow"),
    ({ status }) => status === 200,
  );
  const copied = await awaited(
    async () => copies(),
    (count) => count > 0,
  );
  tour.check(
    "a shadow gets a copy and answers nobody",
    copied > 0 && first.pod.startsWith("iris-shadow-default-"),
    `${first.pod} answered, ${copied} copied`,
  );

  const explained = await tour.type(
    `sluice explain -X POST /seldon/${namespace}/iris-canary/api/v1.0/predictions --cluster`,
  );
  tour.check(
    "sluice explain says the same of the live objects",
    / 90% .* main /.test(explained) && / 10% .* canary /.test(explained),
    "90 and 10 percent",
  );

  tour.step("Traffic moves by kubectl annotate, under load");
  const canary = new PredictionStream(`${traffic}/seldon/${namespace}/iris-canary/api/v1.0/predictions`, 2);
  const weighted = new PredictionStream(`${traffic}/seldon/${namespace}/iris-weighted/api/v1.0/predictions`, 2);
  endings.push(
    () => canary.stop(),
    () => weighted.stop(),
  );
  const share = async (stream: PredictionStream, service: string, percent: number, when: string): Promise<void> => {
    const tolerance = 5 * Math.sqrt(draws * (percent / 100) * (1 - percent / 100));
    const near = (answers: ReadonlyMap<string, number>): boolean =>
      Math.abs(answersOf(answers, service) - (sum(answers) * percent) / 100) <= tolerance;
    const answers = await awaited(async () => stream.count(draws), near);
    tour.check(
      `${service} takes ${percent} % ${when}`,
      near(answers),
      `${answersOf(answers, service)} of ${sum(answers)}`,
    );
  };
  await share(canary, "iris-canary-canary", 10, "as its spec says");
  await tour.type(
    `kubectl annotate --overwrite --namespace ${namespace} sdep iris-canary sluice.io/traffic=main=50,canary=50`,
  );
  await share(canary, "iris-canary-canary", 50, "after sluice.io/traffic");
  await share(weighted, "iris-weighted-next", 25, "as its annotation says");
  await tour.type(
    `kubectl annotate --overwrite --namespace ${namespace} sdep iris-weighted-next seldon.io/ambassador-weight=75`,
  );
  await share(weighted, "iris-weighted-next", 75, "after seldon.io/ambassador-weight");

  tour.step("A deployment is deleted and created again; the others notice nothing");
  await tour.type("kubectl delete -f k8s/examples/plain.yaml");
  const gone = await awaited(
    () => ask(traffic, "iris"),
    ({ status }) => status === 404,
  );
  tour.check("its path is not there", gone.status === 404, String(gone.status));
  await tour.type("kubectl apply -f k8s/examples/plain.yaml");
  const back = await awaited(
    () => ask(traffic, "iris"),
    ({ status }) => status === 200,
  );
  tour.check("and it is back", back.status === 200, `${back.status}, answered by ${back.pod}`);

  tour.step("A mistake: the deployment is served as before, and an Event says what is wrong");
  await tour.type(`kubectl annotate --overwrite --namespace ${namespace} sdep iris-canary sluice.io/traffic=main=half`);
  const events = `/api/v1/namespaces/${namespace}/events?fieldSelector=source%3Dsluice`;
  const told = await awaited(
    () => admin.list(events),
    (list) => list.length > 0,
  );
  await tour.type(`kubectl get events --namespace ${namespace} --field-selector source=sluice`);
  tour.check(
    "the object has an Event",
    told.length > 0,
    told
      .map(({ reason, message }) => `${String(reason)}: ${String(message)}`)
      .join("; ")
      .slice(0, 200),
  );
  await tour.type(
    `kubectl annotate --overwrite --namespace ${namespace} sdep iris-canary sluice.io/traffic=main=50,canary=50`,
  );

  tour.step("The API server is killed under load, stays away, and comes back");
  await cluster.stopServer("SIGKILL");
  tour.note("killed");
  await Promise.all([canary.more(300), weighted.more(300)]);
  tour.note("300 requests to each stream without it");
  await cluster.startServer();
  tour.note("started again");
  await tour.type(
    `kubectl annotate --overwrite --namespace ${namespace} sdep iris-canary sluice.io/traffic=main=100,canary=0`,
  );
  await share(canary, "iris-canary-canary", 0, "after an edit that was made since");

  await Promise.all([canary.stop(), weighted.stop()]);
  const failures = [...canary.failures, ...weighted.failures];
  tour.end(canary.answered + weighted.answered + failures.length, failures);
  return tour.wrong === 0 && failures.length === 0 ? 0 : 1;
}

const missing = ownNetworkMissing ?? (binaries.kind === "missing" ? binaries.reason : podNetworkMissing);
if (missing === null) {
  const network = await PodNetwork.create();
  const endings: (() => Promise<unknown>)[] = [() => network.remove()];
  try {
    const cluster = await ApiServer.start();
    endings.push(() => cluster.stop());
    process.exitCode = await run(cluster, network, endings);
  } finally {
    for (const end of endings.reverse()) await end();
  }
} else {
  process.stderr.write(`the tour cannot be had here: ${missing}\n`);
  process.exitCode = 3;
}
