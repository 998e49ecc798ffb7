// Seldon's OAuth gateway: gives tokens to the clients of SeldonDeployments, and takes requests that name none: the token says whose they are.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { isText } from "../../../routing/request/bytes.ts";
import type { CounterBlock } from "../../shared/memory/counters.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import { failures } from "../../failures.ts";
import { tokenClient } from "../../callers/oauth-token.ts";
import type { OAuthClient } from "../../callers/oauth-client.ts";
import type { OAuthClients } from "./oauth-clients.ts";
import type { OAuthTokens } from "./oauth-tokens.ts";
import {
  bearerAnswer,
  preflightAnswer,
  refusalAnswer,
  seldonForm,
  tokenAnswer,
  unavailableAnswer,
} from "./oauth-answers.ts";
import { oauthPlaceOf, tokenParameter } from "../../callers/oauth-place.ts";
import { tokenOf } from "./oauth-request.ts";
import { mostTokenRequestBytes, readTokenRequest, refusal, type TokenRefusal } from "./token-request.ts";
import type { Answer } from "../message/answers.ts";
import { hasParameter } from "../../../routing/request/query.ts";
import type { HeadChange } from "../message/head-copy.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { Revocations, RevokedState } from "../store/revocations.ts";
import { waits, type Resume, type Step, type StepRequest, type Verdict } from "../steps/step.ts";

type Asks = "api" | "call";

export interface OAuthParts {
  readonly clients: OAuthClients;
  readonly tokens: OAuthTokens;
  readonly revocations: Revocations;
  readonly counters: CounterBlock;
}

const fromField: HeadChange = Object.freeze({ remove: ["authorization"], add: [], removeParameters: [] });
const fromQuery: HeadChange = Object.freeze({ remove: [], add: [], removeParameters: [tokenParameter] });

const unknownClients = "the gateway does not know its clients yet: ask again in a moment";

/** Taken by requests that ask the OAuth gateway, before any Route: nobody's prefix gets their secrets. */
export class OAuthGateway {
  readonly steps: readonly Step[];
  readonly #clients: OAuthClients;
  readonly #tokens: OAuthTokens;
  readonly #revocations: Revocations;
  readonly #counters: CounterBlock;

  constructor({ clients, tokens, revocations, counters }: OAuthParts) {
    this.#clients = clients;
    this.#tokens = tokens;
    this.#revocations = revocations;
    this.#counters = counters;
    this.steps = Object.freeze([
      Object.freeze({
        name: "oauth",
        take: (request: StepRequest) => this.#take(request),
        answered: null,
        ended: null,
      }),
    ]);
  }

  isAsked(head: WireRequestHead): boolean {
    return oauthPlaceOf(head) !== null;
  }

  #take(request: StepRequest): Verdict | typeof waits {
    const { head } = request;
    const place = oauthPlaceOf(head);
    if (place === null) throw new Error("a request that asks nothing of the OAuth gateway came to it");
    if (place !== "call") {
      if (isText(head.bytes, head.methodStart, head.methodEnd, "OPTIONS"))
        return { kind: "answer", answer: preflightAnswer, counted: true };
      if (!isText(head.bytes, head.methodStart, head.methodEnd, "POST"))
        return answered(refusalAnswer(refusal(405, "method_not_allowed", "write POST")));
    }
    return place === "token" ? this.#takeTokenRequest(request) : this.#takeCall(request, place);
  }

  // Requests with a token.

  #takeCall(request: StepRequest, place: Asks): Verdict | typeof waits {
    // Good or not, no log has it.
    if (place === "api" && hasParameter(request.head, fromQuery.removeParameters)) request.hideQuery();
    const token = tokenOf(request.head, place);
    switch (token) {
      case "absent":
        return this.#refuse(place, "unauthorized", "Full authentication is required to access this resource");
      case "several":
        return this.#refuse(place, "invalid_request", "more than one token: send one");
      case "none":
        return this.#refuse(place, "invalid_token", "Invalid access token");
    }
    if (!this.#clients.known) return this.#unavailable(place, unknownClients);
    const verified = this.#tokens.verify(token);
    if (verified === null) return this.#refuse(place, "invalid_token", "Invalid access token");
    const { facts, client } = verified;
    const state = this.#revocations.look(facts, client.namespace);
    if (!(state instanceof Promise)) return this.#judge(state, client, request, place);
    const resume = request.wait(() => undefined);
    void state.then((late) => resume(this.#judge(late, client, request, place)));
    return waits;
  }

  #judge(state: RevokedState, { namespace, deployment }: OAuthClient, request: StepRequest, place: Asks): Verdict {
    const { head } = request;
    switch (state.kind) {
      case "away":
        return this.#unavailable(place, state.sentence);
      case "revoked":
        return this.#refuse(place, "invalid_token", "Invalid access token");
      case "valid":
        this.#countRequest("admitted");
    }
    request.admit({ provider: "oauth", client: namespacedName(namespace, deployment) });
    if (place === "call")
      return {
        kind: "enter",
        path: null,
        change: {
          remove: ["oauth_token", "seldon", "namespace"],
          add: [
            ["seldon", deployment],
            ["namespace", namespace],
          ],
          removeParameters: [],
        },
        form: null,
      };
    const path = `/seldon/${namespace}/${deployment}${(head.pathBytes as Buffer).toString("latin1", head.pathStart, head.pathEnd)}`;
    // Where the token was in the query, `authorization` holds something else, which is for the deployment.
    const change = hasParameter(head, fromQuery.removeParameters) ? fromQuery : fromField;
    return { kind: "enter", path, change, form: head.grpc ? null : seldonForm };
  }

  #refuse(place: Asks, error: "unauthorized" | "invalid_token" | "invalid_request", description: string): Verdict {
    this.#countRequest("refused");
    if (place === "call")
      return {
        kind: "fail",
        failure: failures.unauthenticated,
        detail: `${description}: send the metadata oauth_token with one token from POST /oauth/token`,
      };
    return {
      kind: "refuse",
      failure: failures.unauthenticated,
      detail: description,
      answer: bearerAnswer(error === "invalid_request" ? 400 : 401, error, description),
    };
  }

  #unavailable(place: Asks, sentence: string): Verdict {
    this.#countRequest("unavailable");
    return place === "call"
      ? { kind: "fail", failure: failures.identityUnavailable, detail: sentence }
      : unavailable(sentence);
  }

  // Requests for a token.

  #takeTokenRequest(request: StepRequest): typeof waits {
    // Some write their secret there, and are refused.
    request.hideQuery();
    const resume = request.wait(() => undefined);
    request.awaitBody(
      mostTokenRequestBytes,
      (body, whole) => {
        if (whole) void this.#give(request.head, body, resume);
        else
          resume(
            this.#refuseToken(
              refusal(413, "invalid_request", `the body is longer than ${mostTokenRequestBytes} bytes`),
            ),
          );
      },
      "fail",
    );
    return waits;
  }

  async #give(head: WireRequestHead, body: Buffer, resume: Resume): Promise<void> {
    const asked = readTokenRequest(head, body);
    if (asked.kind === "refused") return resume(this.#refuseToken(asked));
    if (!this.#clients.known) return resume(this.#noToken(unknownClients));
    const client = this.#clients.authenticate(asked.name, asked.secret);
    if (client === null) return resume(this.#refuseToken(refusal(401, "invalid_client", "Bad client credentials")));
    const { namespace, deployment } = client;
    const firstEndMs = await this.#revocations.firstEndMs(tokenClient(namespace, deployment), namespace);
    this.#countToken("issued");
    resume(answered(tokenAnswer(this.#tokens.give(client, firstEndMs))));
  }

  #refuseToken(refused: TokenRefusal): Verdict {
    this.#countToken("refused");
    const answer = refusalAnswer(refused);
    return refused.code === 401
      ? { kind: "refuse", failure: failures.unauthenticated, detail: refused.description, answer }
      : answered(answer);
  }

  #noToken(sentence: string): Verdict {
    this.#countToken("unavailable");
    return unavailable(sentence);
  }

  #countToken(outcome: keyof typeof fixed.oauthTokens): void {
    this.#counters.add(fixed.oauthTokens[outcome], 1);
  }

  #countRequest(outcome: keyof typeof fixed.oauthRequests): void {
    this.#counters.add(fixed.oauthRequests[outcome], 1);
  }
}

function unavailable(sentence: string): Verdict {
  return {
    kind: "refuse",
    failure: failures.identityUnavailable,
    detail: sentence,
    answer: unavailableAnswer(sentence),
  };
}

function answered(answer: Answer): Verdict {
  return { kind: "answer", answer, counted: true };
}
