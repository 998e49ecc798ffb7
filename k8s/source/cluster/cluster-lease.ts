// A Lease of the gateway's namespace by its name: read, and written over the version that was read and no other.
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import type { Api } from "../api/api.ts";
import type { LeaseRead, LeaseStore, RecordWrite, StoredLease } from "../objects/source.ts";
import { writeOutcome } from "./write-outcome.ts";

const apiVersion = "coordination.k8s.io/v1";
/** A call ends in this time, half of the time in which a leader has to renew. */
const callMs = 5000;

export class ClusterLease implements LeaseStore {
  readonly kind = "lease";
  readonly subject: ObjectRef;
  readonly #api: Api;

  constructor(api: Api, place: { readonly namespace: string; readonly name: string }) {
    this.#api = api;
    this.subject = { kind: "Lease", ...place };
  }

  async read(): Promise<LeaseRead> {
    const answer = await this.#api.ask({ method: "GET", path: this.#path, body: null, ...within() });
    if (answer.kind === "refused" && answer.status === 404) return { kind: "absent" };
    if (answer.kind !== "answer") return { kind: "failed", sentence: answer.sentence };
    const { spec, metadata } = recordOf(answer.value);
    const { leaseDurationSeconds, leaseTransitions } = recordOf(spec);
    const timeOf = (field: string): string => textOf(fieldOf(recordOf(spec), field));
    return {
      kind: "lease",
      version: textOf(fieldOf(recordOf(metadata), "resourceVersion")),
      lease: {
        holder: timeOf("holderIdentity"),
        durationSeconds: typeof leaseDurationSeconds === "number" ? leaseDurationSeconds : 0,
        transitions: typeof leaseTransitions === "number" ? leaseTransitions : 0,
        acquireTime: timeOf("acquireTime"),
        renewTime: timeOf("renewTime"),
      },
    };
  }

  async write(lease: StoredLease, over: string | null): Promise<RecordWrite> {
    const { namespace, name } = this.subject;
    const { holder, durationSeconds, transitions, acquireTime, renewTime } = lease;
    const body = {
      apiVersion,
      kind: "Lease",
      metadata: {
        name,
        namespace,
        labels: { "app.kubernetes.io/managed-by": "sluice" },
        ...(over === null ? {} : { resourceVersion: over }),
      },
      spec: {
        holderIdentity: holder,
        leaseDurationSeconds: durationSeconds,
        leaseTransitions: transitions,
        acquireTime,
        renewTime,
      },
    };
    const request =
      over === null
        ? ({ method: "POST", path: this.#collection } as const)
        : ({ method: "PUT", path: this.#path } as const);
    return writeOutcome(await this.#api.ask({ ...request, body, ...within() }));
  }

  get #collection(): string {
    return `/apis/${apiVersion}/namespaces/${this.subject.namespace}/leases`;
  }

  get #path(): string {
    return `${this.#collection}/${this.subject.name}`;
  }
}

function within(): { readonly idleMs: number; readonly signal: AbortSignal } {
  return { idleMs: callMs, signal: AbortSignal.timeout(callMs) };
}
