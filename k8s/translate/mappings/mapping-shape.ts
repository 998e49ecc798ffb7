// The shape of a Mapping's fields that hold fields themselves: a key inside them that nobody reads is said, wherever it stands.
import type { Fields } from "../fields/fields.ts";
import { nearWord } from "../values/near-word.ts";
import { keysOf, values, type Shape } from "../fields/shape.ts";
import { arrayOf, isRecord } from "../values/value.ts";

/** `v2Representation` is what Ambassador's conversion between its versions leaves there. */
const addedHeaders: Shape = { named: keysOf(values("value", "append", "v2Representation")), words: {}, of: "fields" };
const substitution: Shape = keysOf(values("pattern", "substitution"));
const healthChecks: Shape = {
  each: keysOf({
    ...values("interval", "timeout", "unhealthy_threshold", "healthy_threshold"),
    health_check: keysOf({
      http: keysOf({
        ...values("path", "hostname", "remove_request_headers"),
        add_request_headers: addedHeaders,
        expected_statuses: { each: keysOf(values("min", "max")) },
      }),
      grpc: keysOf(values("upstream_name", "authority")),
    }),
  }),
};

/** Of the fields of a Mapping that hold fields themselves. */
export const mappingShapes: Readonly<Record<string, Shape>> = {
  add_request_headers: addedHeaders,
  add_response_headers: addedHeaders,
  circuit_breakers: {
    each: keysOf(values("priority", "max_connections", "max_pending_requests", "max_requests", "max_retries")),
  },
  retry_policy: keysOf(values("retry_on", "num_retries", "per_try_timeout")),
  cors: keysOf(
    values("origins", "methods", "headers", "credentials", "exposed_headers", "max_age", "v2CommaSeparatedOrigins"),
  ),
  load_balancer: keysOf({ ...values("policy", "header", "source_ip"), cookie: keysOf(values("name", "path", "ttl")) }),
  health_checks: healthChecks,
  v3health_checks: healthChecks,
  regex_rewrite: substitution,
  regex_redirect: substitution,
};

/** Keys that are told of one Mapping. */
const mostTold = 16;

/** Says which keys inside the fields of a Mapping nobody reads. */
export function checkInnerKeys(fields: Fields): void {
  const told = { left: mostTold };
  for (const [name, shape] of Object.entries(mappingShapes))
    if (fields.has(name)) check(fields, shape, fields.take(name), name, told);
}

function check(fields: Fields, shape: Shape, value: unknown, path: string, told: { left: number }): void {
  if (shape === "value") return;
  if ("each" in shape)
    return arrayOf(value).forEach((item, index) => check(fields, shape.each, item, `${path}[${index}]`, told));
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if ("named" in shape) {
      check(fields, shape.named, inner, `${path}.${key}`, told);
    } else if (Object.hasOwn(shape.keys, key)) {
      check(fields, shape.keys[key]!, inner, `${path}.${key}`, told);
    } else if (told.left > 0) {
      told.left -= 1;
      const near = nearWord(key, Object.keys(shape.keys));
      fields.report(
        "warning",
        "unknown-field",
        `${path}.${key}`.slice(0, 120),
        `this is not a field of ${path.replace(/\[\d+\]/g, "").slice(0, 60)} and is ignored; ${
          near === null
            ? `write one of ${Object.keys(shape.keys)
                .filter((name) => !name.startsWith("v2"))
                .join(", ")}, or remove it`
            : `write ${near}`
        }`,
      );
    }
  }
}
