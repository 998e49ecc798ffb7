// What the data plane attaches to a Mapping when a table is built: everything a request needs, compiled once.
import { compileRewrite, type CompiledRewrite } from "../../../routing/route/rewrite.ts";
import type { HostRewrite, Mapping } from "../../../routing/model/mapping.ts";
import type { Upstream } from "../../../routing/model/upstream.ts";
import { puidField, PuidSigner } from "../feedback/puid.ts";
import { hostLineTo, hostOfUpstream, type HeadEdits } from "../message/head-edits.ts";
import { compileEdits, isGoneName, type CompiledEdits } from "../message/header-edits.ts";
import { allOwnLines } from "../message/own-lines.ts";
import type { EvidenceCounts } from "../../shared/evidence-counts.ts";
import type { Callers } from "../identity/callers.ts";
import type { Limiter } from "../limits/limiter.ts";
import type { Step } from "../steps/step.ts";
import { compileSteps, type StepLimits, type StepParts } from "./compile-steps.ts";
import { compileRetry, type CompiledRetry } from "./retry-policy.ts";
import { balancingPolicyOf, plainBalancing, type BalancingPolicy } from "../balancing/balancing-policy.ts";
import type { ComparedSubject } from "../../shared/compared-pairs.ts";
import type { ExternalClients } from "../external/external-clients.ts";
import type { UpstreamPool } from "../upstream/pool.ts";
import type { UpstreamRegistry } from "../upstream/registry.ts";

/** In the order in which a request reads them; at the end what most requests do not read. */
export interface CompiledMapping extends HeadEdits {
  /** Counter slot, or −1. */
  readonly slot: number;
  /** It counts by statuses of gRPC. */
  readonly countsGrpc: boolean;
  readonly responseEdits: CompiledEdits | null;
  /** What happens to a request before it is forwarded; null: nothing. */
  readonly steps: readonly Step[] | null;
  /** Its guard refuses everybody, whatever they show: others of its Route take its share. */
  readonly admitsNobody: boolean;
  /** null: a redirect. */
  readonly pool: UpstreamPool | null;
  readonly balancing: BalancingPolicy;
  /** null: an answer is passed on as it is. */
  readonly retry: CompiledRetry | null;
  /** 0: none. */
  readonly timeoutMs: number;
  /** Somebody wrote it: it limits the whole answer, not only the time to its head (routing rule 17). */
  readonly timeoutWritten: boolean;
  /** 0: none. */
  readonly idleTimeoutMs: number;
  /** Answers say the id of their request. */
  readonly requestId: boolean;
  readonly serviceTime: boolean;
  readonly date: boolean;
  /** The same of a request that asks for an upgrade. */
  readonly upgradeSteps: readonly Step[] | null;
  /** The same of feedback. */
  readonly feedbackSteps: readonly Step[] | null;
  /** Connections for copies; used when the Mapping is a shadow. */
  readonly shadowPool: UpstreamPool | null;
  /** Of a shadow whose answers are compared; null: they are not. */
  readonly compared: ComparedSubject | null;
  /** Text of a 504. */
  readonly timeoutSentence: string;
}

const noRewrite: CompiledRewrite = Object.freeze({ kind: "none" });

/** What compiling a Mapping needs besides it. */
export interface Compiler {
  readonly pools: Pick<UpstreamRegistry, "liveOf" | "shadowOf">;
  /** Holds where nobody wrote an idle timeout. */
  readonly defaultIdleTimeoutMs: number;
  readonly limits: StepLimits;
  readonly callers: Callers;
  readonly limiter: Limiter;
  /** By which puids name predictors: the first makes them, all know them. */
  readonly puidKeys: readonly Uint8Array[];
  /** Who is asked about requests, by the table that was taken last: what was compiled by others is compiled anew. */
  external: ExternalClients;
  /** Of predictors that are released. */
  readonly evidence: EvidenceCounts;
  /** Steps of tests, before those of the Mapping. */
  readonly plantedSteps: readonly Step[];
}

/** What the table holds for a Mapping: compiled when the first request comes, because few of 10,000 deployments are asked at once. */
export class LazyMapping {
  // First what every request reads.
  readonly #compiler: Compiler;
  #compiled: CompiledMapping | null = null;
  /** For what it was compiled: a Route of several members, the version of the policy, who is asked about requests. */
  #ofSeveral = false;
  #policyVersion = -1;
  #external: ExternalClients | null = null;
  /** Counter slot, or −1. */
  readonly slot: number;
  readonly #mapping: Mapping;
  #signer: PuidSigner | null = null;

  constructor(mapping: Mapping, slot: number, compiler: Compiler) {
    this.slot = slot;
    this.#mapping = mapping;
    this.#compiler = compiler;
  }

  /** `ofSeveral`: its Route has several live members, so that the model is told a puid that names it. */
  compiledFor(ofSeveral: boolean): CompiledMapping {
    const { callers, external } = this.#compiler;
    if (
      this.#compiled === null ||
      this.#ofSeveral !== ofSeveral ||
      this.#policyVersion !== callers.version ||
      this.#external !== external
    ) {
      this.#compiled = compileMapping(this.#mapping, this.slot, this.#compiler, ofSeveral ? this.signer : null);
      this.#ofSeveral = ofSeveral;
      this.#policyVersion = callers.version;
      this.#external = external;
    }
    return this.#compiled;
  }

  /** null: it is no predictor's. */
  get signer(): PuidSigner | null {
    const { series, target } = this.#mapping;
    if (series.predictor === "") return null;
    const model = target.kind === "forward" ? target.model : "";
    return (this.#signer ??= new PuidSigner(this.#compiler.puidKeys, { ...series, model }));
  }
}

/** Compiles one Mapping. `signer`: of its puids; null: the model is told none. */
export function compileMapping(
  mapping: Mapping,
  slot: number,
  { pools, defaultIdleTimeoutMs, limits, callers, limiter, external, evidence, plantedSteps }: Compiler,
  signer: PuidSigner | null,
): CompiledMapping {
  const { target } = mapping;
  const admitsNobody = callers.admittance(mapping).kind === "nobody";
  const idleTimeoutMs =
    target.kind === "redirect" ? 0 : target.idleTimeout.setBy === null ? defaultIdleTimeoutMs : target.idleTimeout.ms;
  const stepsFor = (
    kind: "plain" | "upgrade" | "feedback",
    made: Pick<StepParts, "forward" | "pool" | "rewrite">,
  ): readonly Step[] | null => {
    const steps = compileSteps(
      { upgrade: kind === "upgrade", feedback: kind === "feedback" },
      { mapping, slot, limits, callers, limiter, external, evidence, idleTimeoutMs, ...made },
    );
    return plantedSteps.length === 0 ? steps : [...plantedSteps, ...(steps ?? [])];
  };
  if (target.kind === "redirect") {
    const steps = stepsFor("plain", { forward: null, pool: null, rewrite: noRewrite });
    return Object.freeze({
      slot,
      countsGrpc: mapping.series.protocol === "grpc",
      responseEdits: null,
      steps,
      admitsNobody,
      pool: null,
      balancing: plainBalancing,
      retry: null,
      rewrite: noRewrite,
      hostLine: null,
      ownLines: allOwnLines,
      requestEdits: null,
      puid: null,
      headBytes: 0,
      timeoutMs: 0,
      timeoutWritten: false,
      idleTimeoutMs,
      requestId: true,
      serviceTime: true,
      date: true,
      upgradeSteps: steps,
      feedbackSteps: steps,
      shadowPool: null,
      compared: null,
      timeoutSentence: "",
    });
  }
  const requestEdits = compileEdits(target.requestHeaders);
  const responseEdits = compileEdits(target.responseHeaders);
  const pool = pools.liveOf(target.upstream);
  const rewrite = bufferedRewrite(compileRewrite(mapping.match.path, target.rewrite));
  const hostLine = hostLineOf(target.hostRewrite, pool.upstream);
  const { timeout } = target;
  const setBy =
    timeout.setBy === null
      ? `set by default; annotate seldon.io/${mapping.series.protocol === "grpc" ? "grpc" : "rest"}-timeout`
      : `set by ${timeout.setBy}`;
  return Object.freeze({
    slot,
    countsGrpc: mapping.series.protocol === "grpc",
    responseEdits,
    steps: stepsFor("plain", { forward: target, pool, rewrite }),
    admitsNobody,
    pool,
    balancing: balancingPolicyOf(target),
    retry: compileRetry(target.retry, timeout.ms),
    rewrite,
    hostLine,
    ownLines:
      requestEdits === null
        ? allOwnLines
        : {
            requestId: !isGoneName(requestEdits, "x-request-id"),
            forwardedFor: !isGoneName(requestEdits, "x-forwarded-for"),
            forwardedProto: !isGoneName(requestEdits, "x-forwarded-proto"),
            forwardedHost: !isGoneName(requestEdits, "x-forwarded-host"),
            originalPath: !isGoneName(requestEdits, "x-envoy-original-path"),
          },
    requestEdits,
    puid: isGoneName(requestEdits, puidField) ? null : signer,
    headBytes:
      (requestEdits?.lines.length ?? 0) +
      (hostLine?.length ?? 0) +
      (rewrite.kind === "prefix" || rewrite.kind === "whole" ? rewrite.withBytes.length : 0),
    timeoutMs: timeout.ms,
    timeoutWritten: timeout.setBy !== null,
    idleTimeoutMs,
    requestId: !isGoneName(responseEdits, "x-request-id"),
    serviceTime: !isGoneName(responseEdits, "x-envoy-upstream-service-time"),
    date: !isGoneName(responseEdits, "date"),
    upgradeSteps: stepsFor("upgrade", { forward: target, pool, rewrite }),
    feedbackSteps: stepsFor("feedback", { forward: target, pool, rewrite }),
    shadowPool: mapping.role.kind === "shadow" ? pools.shadowOf(target.upstream) : null,
    compared: comparedSubject(mapping, target.compare),
    timeoutSentence: `timeout ${timeout.ms} ms ${setBy}`,
  });
}

function comparedSubject({ role, series }: Mapping, rules: string): ComparedSubject | null {
  const { namespace, deployment, predictor } = series;
  return role.kind !== "shadow" || rules === "" ? null : { namespace, deployment, predictor, rules };
}

/** The same bytes as a Buffer, so that the writer sees one kind of array; one for all that rewrite to `/`, as every deployment does. */
function bufferedRewrite(rewrite: CompiledRewrite): CompiledRewrite {
  if (rewrite.kind !== "prefix" && rewrite.kind !== "whole") return rewrite;
  return Object.freeze({ ...rewrite, withBytes: rewrite.with === "/" ? root : Buffer.from(rewrite.withBytes) });
}

const root = Buffer.from("/");

/** null: the client's Host. A literal that is no Host is left out; the control plane reports it. */
function hostLineOf(rewrite: HostRewrite, upstream: Upstream | null): Buffer | null {
  const host =
    rewrite.kind === "literal" ? rewrite.host : rewrite.kind === "upstream" ? hostOfUpstream(upstream) : null;
  return host === null ? null : hostLineTo(host);
}
