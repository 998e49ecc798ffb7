// What an endpoint of the admin port is: one declaration, from which the router, the sentence of 404, the pages and the paths of commands follow.
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Rollout } from "../api/rollouts.ts";
import type { Change } from "../api/changes.ts";
import type { Shape } from "../api/shape.ts";
import type { Problem } from "../../routing/text/problem.ts";
import type { CallPolicy } from "../callers/call-policy.ts";
import type { Viewers } from "../callers/viewers.ts";
import type { TokenReviews } from "./access.ts";
import type { CredentialLook } from "../callers/shown.ts";
import type { Settings } from "../options/settings.ts";
import type { LimitLook } from "../shared/memory/limit-memory.ts";
import type { CertificateExpiry, CertificateSet } from "../shared/certificates.ts";
import type { Revocation } from "../callers/oauth-token.ts";
import type { RevokedAnswer } from "../shared/messages.ts";
import type { FixedFamilies } from "./families/fixed-families.ts";
import type { EventStreams } from "./event-streams.ts";
import type { EvidenceParts } from "./view/evidence.ts";
import type { PeersView } from "./view/peers-view.ts";
import type { AdminView, ComparedView, RequestsView } from "./view/view.ts";
import type { Viewer } from "../api/viewer.ts";

/** `viewer`: who asks. Every answer about things of a namespace asks it. */
export type Handler = (request: FastifyRequest, reply: FastifyReply, viewer: Viewer) => unknown;

/** The forms of an answer. */
export interface Answer {
  /** The shape of its JSON; null: it has none. */
  readonly json: Shape | null;
  /** Text for people, for `accept: text/plain`. */
  readonly text: boolean;
  /** Its events by name, with the shape of their data, for `accept: text/event-stream`; null: it is no stream. */
  readonly events: Readonly<Record<string, Shape>> | null;
}

export interface Endpoint {
  readonly method: "GET" | "POST";
  /** `{name}` stands for a part of the path: a parameter of that name. */
  readonly path: string;
  /** Ambassador's path of the same; "": it has none. */
  readonly alias: string;
  /** `viewer`: each caller gets what that caller may see. `admin`: the admin token alone, beyond loopback. */
  readonly access: "everyone" | "viewer" | "admin";
  /** The shape of each, whose description says what it means: in the path, or in the query. */
  readonly parameters: Readonly<Record<string, Shape>>;
  /** The same of the members of a JSON body; null: it takes none. */
  readonly body: Readonly<Record<string, Shape>> | null;
  /** What it answers, for the pages. */
  readonly answers: string;
  readonly answer: Answer;
  /** Of the body of a request; a larger one gets 413. */
  readonly maxBodyBytes: number;
  /** Called once, at the start. */
  readonly serve: (parts: EndpointParts) => Handler;
}

/** What answers are made of. */
export interface EndpointParts extends AdminOptions {
  readonly families: FixedFamilies;
  readonly streams: EventStreams;
  /** Every endpoint. */
  readonly declared: readonly Endpoint[];
}

export interface AdminOptions {
  /** The other replicas; null: none is asked. */
  readonly peers: PeersView | null;
  /** Names this process. */
  readonly instance: string;
  /** As of `EvidenceParts`. */
  readonly countsOf: EvidenceParts["countsOf"];
  /** The replica that decides about releases, by its name; null: none is known, or none has to. */
  readonly leader: () => string | null;
  readonly admin: Settings["admin"];
  readonly view: AdminView;
  readonly requests: RequestsView;
  readonly compared: ComparedView;
  /** Counter blocks, the base block first. */
  readonly blocks: readonly Float64Array[];
  readonly changes: LastChanges;
  /** How far releases have come. */
  readonly rollouts: () => readonly Rollout[];
  /** Clients that rate limits count now. */
  readonly countedClients: () => number;
  readonly sourceKind: string;
  readonly sourceAgeSeconds: () => number;
  /** Why the Source does not know the truth; null: it does. */
  readonly sourceTrouble: () => string | null;
  /** Data workers that shall serve. */
  readonly workers: number;
  /** Replicas share tokens and limits there. */
  readonly usesRedis: boolean;
  /** Epoch ms. */
  readonly nowMs: () => number;
  /** An answer could not be made because of a bug of the gateway: once a second at most. */
  readonly faulted: (stack: string) => void;
  /** Why the Source does not know what to serve, for /readyz; null: it does. */
  readonly notReady: () => string | null;
  /** When certificates end. */
  readonly certificates: () => readonly CertificateExpiry[];
  /** Ends tokens of the OAuth gateway; null: there is none. */
  readonly revoker: TokenRevoker | null;
  /** Does any data worker turn? */
  readonly turns: () => boolean;
  /** The longest body that the gateway takes, 0: any. */
  readonly bodyBytes: number;
  /** Sluice serves Seldon's OAuth gateway. */
  readonly oauth: boolean;
  /** Trusted proxies, as the option says it; null: it does not. */
  readonly trustedHops: number | null;
  /** Who beside the operator may ask, by the policy. */
  readonly viewers: () => Viewers;
  /** Asks the API server about callers; null: it is not asked. */
  readonly reviewed: TokenReviews | null;
  readonly policy: () => CallPolicy;
  /** Problems of the policy and its keys. */
  readonly policyProblems: () => readonly Problem[];
  /** Certificates that are served; null: none yet. */
  readonly certificateSet: () => CertificateSet | null;
  /** Opens what looks at limits. */
  readonly openLimits: () => Promise<LimitLook>;
  /** Opens the checks of credentials in requests to explain. */
  readonly openLook: () => Promise<CredentialLook>;
}

/** The last changes, and those to come. */
export interface LastChanges {
  /** The oldest first; numbers grow. */
  readonly changes: readonly { readonly number: number; readonly change: Change }[];
  /** Until the returned function is called. */
  follow(take: (change: Change) => void): () => void;
}

export interface TokenRevoker {
  /** This SeldonDeployment has a client. */
  hasClient(namespace: string, deployment: string): boolean;
  revoke(revocation: Revocation): Promise<RevokedAnswer>;
}
