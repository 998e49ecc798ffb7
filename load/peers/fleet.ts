// The deployments that every peer is configured with, and the requests that are sent to them.

export interface Deployment {
  readonly index: number;
  readonly namespace: string;
  readonly name: string;
  /** `/seldon/<namespace>/<name>/` */
  readonly prefix: string;
  readonly main: Place;
  readonly canary: Place;
}

/** Where a predictor listens. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** shared: every predictor of one kind is at one address. own: each has an address of its own in 127.0.0.0/8, as pods have. */
export type Addresses = "shared" | "own";

export interface FleetPlan {
  readonly deployments: number;
  readonly addresses: Addresses;
  readonly mainPort: number;
  readonly canaryPort: number;
}

/** `ports`: by predictor. */
export function fleetPlan(
  { deployments, addresses }: Pick<FleetPlan, "deployments" | "addresses">,
  ports: ReadonlyMap<string, number>,
): FleetPlan {
  return { deployments, addresses, mainPort: ports.get("main")!, canaryPort: ports.get("canary")! };
}

/** Share of the canary in every deployment, percent. */
export const canaryPercent = 25;

export const namespaces = 10;

/** What the canary and the main predictor answer: the answer says who gave it. */
export function answerOf(predictor: string): string {
  return `{"data":{"names":["a","b"],"ndarray":[[0.25,0.75]]},"meta":{"requestPath":{"model":"${predictor}"}}}`;
}

function ownHost(index: number, kind: 0 | 1): string {
  return `127.${16 + kind}.${Math.floor(index / 200)}.${1 + (index % 200)}`;
}

export function deploymentName(index: number): string {
  return `model-${String(index).padStart(5, "0")}`;
}

export function deployments(plan: FleetPlan): readonly Deployment[] {
  return Array.from({ length: plan.deployments }, (_, index) => {
    const namespace = `team-${index % namespaces}`;
    const name = deploymentName(index);
    const own = plan.addresses === "own";
    return {
      index,
      namespace,
      name,
      prefix: `/seldon/${namespace}/${name}/`,
      main: { host: own ? ownHost(index, 0) : "127.0.0.1", port: plan.mainPort },
      canary: { host: own ? ownHost(index, 1) : "127.0.0.1", port: plan.canaryPort },
    };
  });
}

/** A JSON body of exactly `bytes` bytes, at least 30. */
export function predictionBody(bytes: number): string {
  const open = '{"data":{"ndarray":[[';
  const close = "]]}}";
  const room = bytes - open.length - close.length;
  const number = "5.1,3.5,1.4,0.2,";
  const numbers = number.repeat(Math.ceil(room / number.length)).slice(0, room - 1);
  // The last character must not be a comma or a point.
  return `${open}${numbers.replace(/[,.]$/, "1")}7${close}`;
}

/** A body in chunks of `chunkBytes`, as the wire has it. */
export function chunked(body: string, chunkBytes: number): string {
  let text = "";
  for (let at = 0; at < body.length; at += chunkBytes) {
    const chunk = body.slice(at, at + chunkBytes);
    text += `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
  }
  return `${text}0\r\n\r\n`;
}

/** Head of a prediction as Seldon's Python client sends it; `framing`: the line that says how long the body is. */
export function predictionHead(prefix: string, framing: string, fields: readonly string[]): string {
  return [
    `POST ${prefix}api/v0.1/predictions HTTP/1.1`,
    "Host: gateway.example:8003",
    "User-Agent: python-requests/2.31.0",
    "Accept: */*",
    "Content-Type: application/json",
    framing,
    ...fields,
    "",
    "",
  ].join("\r\n");
}
