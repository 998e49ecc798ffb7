// One Module `ambassador`: its keys, decoded. Those that Mappings may say themselves are read as Mappings say them.
import type { HeaderEdits, TimeLimit } from "../../../routing/model/mapping.ts";
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { Fields } from "../fields/fields.ts";
import { moduleEdits, moduleTable, type Deciding } from "../fields/module-fields.ts";
import type { Report } from "../values/report.ts";
import { checkUnread } from "../fields/unread-fields.ts";
import {
  defaultable,
  noDefaults,
  sharedDefaults,
  type Defaultable,
  type MappingDefaults,
} from "../meaning/module-defaults.ts";
import { decodeFront, type ModuleFront } from "./module-front.ts";
import { decodeDefaultLabels } from "../mappings/rate-limit-labels.ts";
import { decodeEdits } from "../mappings/edits.ts";
import { decodeResolver } from "../mappings/mapping.ts";
import { decodeCors, decodeRetry } from "../mappings/policy.ts";
import { decodeBreakers, decodeLoadBalancer } from "../mappings/pool.ts";
import { saysNothing } from "../mappings/said.ts";
import { fieldOf, isRecord, quoted, recordOf, type UnknownRecord } from "../values/value.ts";

export interface ModuleDocument {
  /** Field of the document, for Problems. */
  readonly field: string;
  /** Ids of the gateways that it is for. */
  readonly ids: readonly string[];
  readonly defaults: MappingDefaults;
  readonly front: ModuleFront;
  /** false: something that decides whose requests pass could not be read, and has its closed value. */
  readonly readable: boolean;
}

/** Longest text of `server_name`. */
const longestServerName = 128;

/** Decodes the fields of a document of kind Module and name `ambassador`. `field`: where it is, "" for an object of its own; `lost`: what it says where nobody reads it, and has its closed value. */
export function decodeModule(
  ref: ObjectRef,
  field: string,
  ids: readonly string[],
  document: UnknownRecord,
  lost: ReadonlySet<Deciding>,
  report: Report,
): ModuleDocument {
  const written = fieldOf(document, "config");
  const place = field === "" ? "spec.config" : `${field} config`;
  if (!isRecord(written))
    report(
      "error",
      "bad-value",
      place,
      `${quoted(written ?? null)} is not a map, so nothing of the Module applies; write its keys below config`,
    );
  const reading = new ModuleReading(ref, place, recordOf(written), report);
  const defaults = reading.defaults();
  const { front, readable } = reading.front(lost);
  return { field, ids, defaults, front, readable: readable && isRecord(written) };
}

class ModuleReading {
  readonly #ref: ObjectRef;
  readonly #place: string;
  readonly #report: Report;
  readonly #fields: Fields;

  constructor(ref: ObjectRef, place: string, config: UnknownRecord, report: Report) {
    this.#ref = ref;
    this.#place = place;
    this.#report = report;
    this.#fields = new Fields(moduleTable, config, `${place}.`, report);
  }

  defaults(): MappingDefaults {
    const fields = this.#fields;
    const headers = this.#headerFields();
    const timeoutMs = fields.integer("cluster_request_timeout_ms");
    const idleMs = fields.integer("cluster_idle_timeout_ms");
    const lifetimeMs = fields.integer("cluster_max_connection_lifetime_ms");
    const timeout: TimeLimit | null =
      timeoutMs === null
        ? null
        : { ms: timeoutMs, setBy: `cluster_request_timeout_ms of Module ${this.#ref.namespace}/ambassador` };
    const decoded = {
      requestHeaders: decodeEdits(headers, "request"),
      responseHeaders: decodeEdits(headers, "response"),
      retry: decodeRetry(fields),
      loadBalancer: decodeLoadBalancer(fields),
      cors: decodeCors(fields),
      limits: {
        idleTimeoutMs: idleMs === 0 ? null : idleMs,
        maxLifetimeMs: lifetimeMs === 0 ? null : lifetimeMs,
        breakers: decodeBreakers(fields),
      },
      dial: decodeResolver(fields),
      linkerd: fields.boolean("add_linkerd_headers"),
    };
    const names: Partial<Record<Defaultable, string>> = { timeout_ms: "cluster_request_timeout_ms" };
    const said = defaultable.filter(
      (name) =>
        !saysNothing(
          name.endsWith("_headers") && name !== "add_linkerd_headers" ? headers : fields,
          names[name] ?? name,
          decoded,
        ),
    );
    const labels = decodeDefaultLabels(fields);
    const hidesEnvoy = fields.boolean("suppress_envoy_headers");
    const serverName = this.#serverName();
    const every = (name: string): HeaderEdits["remove"] => (hidesEnvoy ? [name] : []);
    if (timeout !== null)
      fields.report(
        "info",
        "differs",
        "cluster_request_timeout_ms",
        "SeldonDeployments have it here, and not with Ambassador, as the operator wrote 3000 ms into all their Mappings; annotate seldon.io/rest-timeout and seldon.io/grpc-timeout for that",
      );
    if (said.includes("load_balancer") && decoded.dial !== "endpoints")
      fields.report(
        "info",
        "differs",
        "load_balancer",
        "it is served here, and Ambassador drops every Mapping with a load_balancer unless its resolver is endpoint; write resolver: endpoint for both",
      );
    if (said.length === 0 && serverName === null && !hidesEnvoy && Object.keys(labels).length === 0) return noDefaults;
    return sharedDefaults({
      ...decoded,
      said,
      timeout,
      labels,
      everyRequest: { remove: every("x-envoy-original-path"), add: [] },
      everyResponse: {
        remove: every("x-envoy-upstream-service-time"),
        add: serverName === null ? [] : [{ name: "server", value: serverName.replaceAll("%", "%%"), append: false }],
      },
    });
  }

  /** The last: what no reader asked for is reported. */
  front(lost: ReadonlySet<Deciding>): ReturnType<typeof decodeFront> {
    const front = decodeFront(this.#fields, lost);
    checkUnread(this.#fields);
    return front;
  }

  /** Below `defaults`: of the class httpmapping, else of all classes. */
  #headerFields(): Fields {
    const all = this.#fields.record("defaults") ?? {};
    const ofClass = fieldOf(all, "httpmapping") ?? {};
    if (!isRecord(ofClass))
      this.#report(
        "warning",
        "bad-value",
        `${this.#place}.defaults.httpmapping`,
        `${quoted(ofClass)} cannot be used and counts as not written; write a map`,
      );
    const { httpmapping: _class, ...others } = all;
    const at = `${this.#place}.defaults.httpmapping.`;
    return new Fields(moduleEdits, { ...others, ...recordOf(ofClass) }, at, this.#report);
  }

  #serverName(): string | null {
    const name = this.#fields.text("server_name");
    if (name === null || name === "") return null;
    if (name.length <= longestServerName && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(name)) return name;
    this.#fields.bad("server_name", name, `a text of one line, of at most ${longestServerName} characters`);
    return null;
  }
}
