// Stand-ins: where EndpointSlices may not be read, the address of a Service stands in for its Endpoints: kube-proxy balances then.
import { performance } from "node:perf_hooks";
import { objectKey } from "../../translate/model/object.ts";
import { arrayOf, fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import { ClusterObject } from "./cluster-object.ts";
import type { CollectionChange } from "./collection.ts";
import type { Reflector } from "./reflector.ts";
import { services, slices } from "./resources.ts";

/** Those of all namespaces that a Source watches. */
export class StandIns {
  readonly #reflectors: readonly Reflector[];
  readonly #pend: (change: CollectionChange, readAtMs: number) => void;
  /** Reflectors of EndpointSlices that stand-ins have taken the place of. */
  readonly #stoodIn = new Set<Reflector>();

  /** `pend` is told what the stand-ins change; `readAtMs` as a Reflector's listener is. */
  constructor(reflectors: readonly Reflector[], pend: (change: CollectionChange, readAtMs: number) => void) {
    this.#reflectors = reflectors;
    this.#pend = pend;
  }

  /** What this Reflector knows does not count. */
  hides(reflector: Reflector): boolean {
    return this.#stoodIn.has(reflector);
  }

  /** Services may have changed. */
  changed(reflector: Reflector, change: CollectionChange, readAtMs: number): void {
    if (reflector.resource !== services) return;
    for (const { namespace } of this.#stoodIn)
      if (namespace === reflector.namespace) this.#pend(standInsFor(change), readAtMs);
  }

  /** The state of a Reflector may have changed. */
  look(): void {
    for (const reflector of this.#reflectors) if (reflector.resource === slices) this.#standIn(reflector);
  }

  /** Stand-ins take the place of slices that may not be read, all at once, and give it back all at once. */
  #standIn(reflector: Reflector): void {
    const forbidden = reflector.state.kind === "forbidden";
    if (forbidden === this.#stoodIn.has(reflector)) return;
    const readAtMs = performance.timeOrigin + performance.now();
    const known = this.#reflectors.find(
      ({ resource, namespace }) => resource === services && namespace === reflector.namespace,
    )!;
    const standIns = standInsFor(
      new Map([...known.objects.values()].map((service) => [objectKey(service.ref), service])),
    );
    const real = new Map([...reflector.objects.values()].map((slice) => [objectKey(slice.ref), slice]));
    if (forbidden) {
      this.#stoodIn.add(reflector);
      this.#pend(goneOf(real), readAtMs);
      this.#pend(standIns, readAtMs);
    } else {
      this.#stoodIn.delete(reflector);
      this.#pend(goneOf(standIns), readAtMs);
      this.#pend(real, readAtMs);
    }
  }
}

/** The slice that a Service's controller would write if the Service were its own only Endpoint; null for a headless Service, which has no address. */
function standInOf(service: ClusterObject): ClusterObject | null {
  const spec = recordOf(fieldOf(recordOf(service.object), "spec"));
  const address = textOf(fieldOf(spec, "clusterIP"));
  if (address === "" || address === "None") return null;
  const { namespace, name } = service.ref;
  const slice = {
    metadata: {
      labels: {
        "kubernetes.io/service-name": name,
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
      },
    },
    ports: arrayOf(fieldOf(spec, "ports")).map((value) => {
      const port = recordOf(value);
      return { name: fieldOf(port, "name"), port: fieldOf(port, "port") };
    }),
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
  return new ClusterObject({
    ref: { kind: "EndpointSlice", namespace, name: `${name}.cluster-ip` },
    apiVersion: "discovery.k8s.io/v1",
    uid: "",
    text: JSON.stringify(slice),
  });
}

function standInsFor(changed: CollectionChange): CollectionChange {
  const change = new Map<string, ClusterObject | null>();
  for (const [key, service] of changed) {
    const standIn = service === null ? null : standInOf(service);
    const name = key.slice(key.indexOf("/") + 1);
    const namespace = key.slice(key.indexOf(" ") + 1, key.indexOf("/"));
    change.set(objectKey({ kind: "EndpointSlice", namespace, name: `${name}.cluster-ip` }), standIn);
  }
  return change;
}

function goneOf(change: CollectionChange): CollectionChange {
  return new Map([...change.keys()].map((key) => [key, null]));
}
