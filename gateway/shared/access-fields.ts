// Fields of the access log, each with its meaning for people: RUNBOOK.md has the table. Never a body, never a credential.

/** A field that is text; "" where there is none. */
const text = (meaning: string): { readonly none: string; readonly meaning: string } => ({ none: "", meaning });
const number = (meaning: string): { readonly none: number; readonly meaning: string } => ({ none: 0, meaning });

export const accessFields = {
  atMs: number("when the request came"),
  flag: text("the [failure flag](#failure-flags); empty if nothing failed"),
  reason: text("the [reason](#failure-flags) of the failure; empty if the gateway knows of none"),
  origin: text(
    "who ended the request: `model` or `gateway`; empty: the client, by leaving. A server error of `model` has no flag",
  ),
  sentence: text("what failed; empty if nothing failed"),
  code: number("HTTP status of the answer; 0: none"),
  grpcStatus: text("of a gRPC call: its status by name, `UNAVAILABLE`"),
  method: text("as sent"),
  path: text("as sent, at most 256 characters; without the query if that may hold a credential"),
  requestId: text("`x-request-id`"),
  peer: text("address of the client"),
  client: text("`provider/client`; empty if the deployment has no access rules"),
  namespace: text("of the deployment; empty, as the next four: no Route matched"),
  deployment: text("its SeldonDeployment"),
  predictor: text("its predictor"),
  route: text("the Route, in words"),
  mapping: text("id of the Mapping"),
  address: text("`ip:port` that answered, or that Sluice tried last"),
  requestBytes: number("size of the request body"),
  responseBytes: number("size of the response body"),
  durationMs: number("time from the request head to the end of the answer"),
} as const;

/** A line about one request. */
export type AccessEntry = {
  readonly [Field in keyof typeof accessFields]: (typeof accessFields)[Field]["none"];
};

/** Did the request fail, by the gateway, the model or the client? */
export function isFailureEntry({ flag, sentence }: AccessEntry): boolean {
  return flag !== "" || sentence !== "";
}

/** An entry of which nothing is known. */
export const emptyEntry = Object.fromEntries(
  Object.entries(accessFields).map(([field, { none }]) => [field, none]),
) as AccessEntry;
