// Pods of a gateway, for kubectl-sluice: found by label, reached through the API server with the rights of whoever calls.
import type { Duplex } from "node:stream";
import { fieldOf, arrayOf, recordOf, textOf } from "../translate/values/value.ts";
import { openAccess } from "./api/access.ts";
import type { ApiAccess } from "./api/api-access.ts";
import { Api, type ApiFailure } from "./api/api.ts";
import { kubeconfigNamespace } from "./api/kubeconfig-access.ts";
import { forwardPort } from "./api/port-forward.ts";

export interface PodChoice {
  /** null: `KUBECONFIG`, else `~/.kube/config`. */
  readonly kubeconfig: string | null;
  /** null: the current one. */
  readonly context: string | null;
  /** null: that of the context, else `sluice`. */
  readonly namespace: string | null;
  /** As kubectl has it: `app.kubernetes.io/name=sluice`. */
  readonly selector: string;
}

export interface GatewayPod {
  readonly name: string;
  /** Opens a connection to its admin port. Rejects with one sentence. */
  readonly connect: () => Promise<Duplex>;
}

export interface GatewayPods {
  /** One that is ready, where any is. */
  readonly pod: GatewayPod;
  /** Secret with the admin token, as the chart names it in the pods; null: they have none. */
  readonly tokenSecret: { readonly namespace: string; readonly name: string; readonly key: string } | null;
  /** The token. Rejects with one sentence where the caller may not read the Secret. */
  readonly readToken: () => Promise<string>;
  close(): void;
}

/** Where the chart puts gateways that nobody put elsewhere. */
const usualNamespace = "sluice";
const usualAdminPort = 8877;
const idleMs = 10_000;

/** Rejects with one sentence: no kubeconfig, the API server is away, the caller may not list pods, no pod has the labels. */
export async function findGatewayPods(choice: PodChoice): Promise<GatewayPods> {
  const { kubeconfig, context, namespace, selector } = choice;
  const access = await openAccess({ kind: "kubeconfig", file: kubeconfig, context }, "--url ADMIN");
  const api = new Api(access);
  const namespaces =
    namespace === null ? [...new Set([await kubeconfigNamespace(kubeconfig, context), usualNamespace])] : [namespace];
  let failure: Error | null = null;
  for (const one of namespaces) {
    const answer = await ask(
      api,
      `/api/v1/namespaces/${encodeURIComponent(one)}/pods?labelSelector=${encodeURIComponent(selector)}`,
    );
    if (answer.kind !== "answer") {
      failure ??= new Error(`pods in ${one}: ${access.server}: ${answer.sentence}`);
      continue;
    }
    const found = arrayOf(fieldOf(recordOf(answer.value), "items")).filter(isThere);
    if (found.length > 0) return podsOf(access, api, one, found);
  }
  api.close();
  throw (
    failure ??
    new Error(
      `no pod in ${namespaces.join(" or ")} has the labels ${selector}: write -n NAMESPACE, or --selector with the labels of the gateway`,
    )
  );
}

function ask(api: Api, path: string): ReturnType<Api["ask"]> {
  return api.ask({ method: "GET", path, body: null, idleMs, signal: AbortSignal.timeout(idleMs) });
}

/** It runs, or shall: one that has ended, or is about to, is no replica. */
function isThere(pod: unknown): boolean {
  const phase = textOf(fieldOf(recordOf(fieldOf(recordOf(pod), "status")), "phase"));
  const deleted = fieldOf(recordOf(fieldOf(recordOf(pod), "metadata")), "deletionTimestamp");
  return deleted === undefined && phase !== "Succeeded" && phase !== "Failed";
}

function isReady(pod: unknown): boolean {
  return arrayOf(fieldOf(recordOf(fieldOf(recordOf(pod), "status")), "conditions")).some(
    (one) => fieldOf(recordOf(one), "type") === "Ready" && fieldOf(recordOf(one), "status") === "True",
  );
}

function podsOf(access: ApiAccess, api: Api, namespace: string, found: readonly unknown[]): GatewayPods {
  const nameOf = (pod: unknown): string => textOf(fieldOf(recordOf(fieldOf(recordOf(pod), "metadata")), "name"));
  const first = found.toSorted(
    (a, b) => Number(isReady(b)) - Number(isReady(a)) || (nameOf(a) < nameOf(b) ? -1 : 1),
  )[0];
  const [name, port] = [nameOf(first), adminPortOf(first)];
  const tokenSecret = found.map((pod) => tokenSecretOf(pod, namespace)).find((one) => one !== null) ?? null;
  return {
    pod: {
      name,
      connect: async () =>
        forwardPort(
          access.server,
          `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/portforward?ports=${port}`,
          await access.credentials(),
        ),
    },
    tokenSecret,
    readToken: async () => {
      if (tokenSecret === null) throw new Error("the pods have no admin token");
      const answer = await ask(
        api,
        `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(tokenSecret.name)}`,
      );
      if (answer.kind !== "answer") throw new Error(unreadable(tokenSecret.name, namespace, answer));
      const stored = textOf(fieldOf(recordOf(fieldOf(recordOf(answer.value), "data")), tokenSecret.key));
      return Buffer.from(stored, "base64").toString("utf8").trim();
    },
    close: () => api.close(),
  };
}

function unreadable(name: string, namespace: string, { sentence }: ApiFailure): string {
  return `the Secret ${namespace}/${name} with the admin token cannot be read (${sentence}): write --admin-token TOKEN, or ask for the right to get it`;
}

function containersOf(pod: unknown): readonly unknown[] {
  return arrayOf(fieldOf(recordOf(fieldOf(recordOf(pod), "spec")), "containers"));
}

function adminPortOf(pod: unknown): number {
  for (const container of containersOf(pod))
    for (const port of arrayOf(fieldOf(recordOf(container), "ports"))) {
      const number = fieldOf(recordOf(port), "containerPort");
      if (fieldOf(recordOf(port), "name") === "admin" && typeof number === "number") return number;
    }
  return usualAdminPort;
}

/** The chart gives the token by SLUICE_ADMIN_TOKEN, from a Secret. */
function tokenSecretOf(pod: unknown, namespace: string): GatewayPods["tokenSecret"] {
  for (const container of containersOf(pod))
    for (const variable of arrayOf(fieldOf(recordOf(container), "env"))) {
      if (fieldOf(recordOf(variable), "name") !== "SLUICE_ADMIN_TOKEN") continue;
      const reference = recordOf(fieldOf(recordOf(fieldOf(recordOf(variable), "valueFrom")), "secretKeyRef"));
      const [name, key] = [textOf(fieldOf(reference, "name")), textOf(fieldOf(reference, "key"))];
      if (name !== "" && key !== "") return { namespace, name, key };
    }
  return null;
}
