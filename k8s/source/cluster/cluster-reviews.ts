// Questions to the API server about callers: whose a token is (TokenReview), and what its holder may read (SubjectAccessReview).
import { arrayOf, fieldOf, recordOf, textOf } from "../../translate/values/value.ts";
import type { Api, ApiAnswer } from "../api/api.ts";
import type { AccessReviews, ReviewedUser } from "../objects/source.ts";

/** A caller waits so long for a word, ms. */
const idleMs = 3000;

export class ClusterReviews implements AccessReviews {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  async userOf(token: string): Promise<ReviewedUser> {
    const answer = await this.#ask("authentication.k8s.io/v1", "TokenReview", "tokenreviews", { token });
    if (answer.kind !== "answer") return { kind: "away" };
    const status = recordOf(fieldOf(recordOf(answer.value), "status"));
    if (fieldOf(status, "authenticated") !== true) return { kind: "nobody" };
    const user = recordOf(fieldOf(status, "user"));
    const name = textOf(fieldOf(user, "username"));
    if (name === "") return { kind: "nobody" };
    return {
      kind: "user",
      user: name,
      uid: textOf(fieldOf(user, "uid")),
      groups: textsOf(fieldOf(user, "groups")),
      extra: Object.fromEntries(
        Object.entries(recordOf(fieldOf(user, "extra"))).map(([key, values]) => [key, textsOf(values)]),
      ),
    };
  }

  async mayRead(
    { user, uid, groups, extra }: Extract<ReviewedUser, { kind: "user" }>,
    namespace: string,
  ): Promise<"yes" | "no" | "away"> {
    const answer = await this.#ask("authorization.k8s.io/v1", "SubjectAccessReview", "subjectaccessreviews", {
      user,
      uid,
      groups,
      extra,
      resourceAttributes: {
        group: "machinelearning.seldon.io",
        resource: "seldondeployments",
        verb: "get",
        namespace,
      },
    });
    if (answer.kind !== "answer") return "away";
    const status = recordOf(fieldOf(recordOf(answer.value), "status"));
    return fieldOf(status, "allowed") === true && fieldOf(status, "denied") !== true ? "yes" : "no";
  }

  #ask(apiVersion: string, kind: string, collection: string, spec: unknown): Promise<ApiAnswer> {
    return this.#api.ask({
      method: "POST",
      path: `/apis/${apiVersion}/${collection}`,
      body: { apiVersion, kind, metadata: {}, spec },
      idleMs,
      signal: AbortSignal.timeout(idleMs),
    });
  }
}

function textsOf(value: unknown): readonly string[] {
  return arrayOf(value).filter((one) => typeof one === "string");
}
