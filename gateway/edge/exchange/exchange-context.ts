// ExchangeContext: what all exchanges of a worker share: the current table, copies for shadows, ids. One object, made once.
import type { RouteTable } from "../../../routing/table.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { LearntPuids } from "../feedback/learnt-puids.ts";
import { RequestIds } from "../fields/request-id.ts";
import type { OAuthGateway } from "../oauth/oauth-gateway.ts";
import type { CurrentTable } from "./current-table.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";
import type { Gate } from "../policy/gates.ts";
import { probeStep } from "../policy/probe.ts";
import type { Step } from "../steps/step.ts";
import type { ShadowSender } from "../shadow/shadow-sender.ts";
import type { UpstreamContext } from "../upstream/upstream-context.ts";

export class ExchangeContext {
  readonly worker: WorkerContext;
  readonly upstream: UpstreamContext;
  readonly shadows: ShadowSender;
  readonly ids = new RequestIds();
  readonly learntPuids = new LearntPuids();
  readonly #current: CurrentTable;
  readonly #lacks: () => string | null;
  /** What requests pass before they have a Route; null: nothing. */
  gates: readonly Gate[] | null = null;
  /** null: there is none. */
  readonly oauth: OAuthGateway | null;
  /** What check_ready answers is no, whatever the control worker says. */
  draining = false;
  /** Of requests for which there is no Route. */
  readonly stepsWithoutRoute: readonly Step[] = [probeStep(this)];

  /** `lacks`: what the worker has not been given and without which it refuses everybody, for people; null: nothing. */
  constructor(
    upstream: UpstreamContext,
    shadows: ShadowSender,
    current: CurrentTable,
    oauth: OAuthGateway | null,
    lacks: () => string | null,
  ) {
    this.worker = upstream.worker;
    this.upstream = upstream;
    this.shadows = shadows;
    this.#current = current;
    this.#lacks = lacks;
    this.oauth = oauth;
  }

  /** The newest table. A decision reads it once. */
  get table(): RouteTable<LazyMapping> {
    return this.#current.now;
  }

  /** What check_ready answers. */
  get ready(): boolean {
    return this.notReady === null;
  }

  /** Why it is not ready, for people; null: it is. */
  get notReady(): string | null {
    if (this.draining) return "it drains";
    const lacks = this.#lacks();
    if (lacks !== null) return `it waits for ${lacks}`;
    if (this.table.version === 0) return "it waits for its first table";
    return this.#current.ready ? null : "it waits for the rest of the gateway, which /readyz of the admin port names";
  }
}
