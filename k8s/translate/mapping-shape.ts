// The shape of a Mapping's fields that hold fields themselves: a key inside them that nobody reads is said, wherever it stands.
import type { Fields } from './fields.ts';
import { arrayOf, isRecord } from './value.ts';
import { nearWord } from './near-word.ts';

/** What a value may hold. A map of names that the writer chooses has `named`. */
type Shape = { readonly keys: Readonly<Record<string, Shape>> } | { readonly each: Shape } | { readonly named: Shape } | 'value';

const values = (...names: readonly string[]): Readonly<Record<string, Shape>> => Object.fromEntries(names.map((name) => [name, 'value']));

/** `v2Representation` is what Ambassador's conversion between its versions leaves there. */
const addedHeaders: Shape = { named: { keys: values('value', 'append', 'v2Representation') } };
const substitution: Shape = { keys: values('pattern', 'substitution') };
const healthChecks: Shape = {
  each: {
    keys: {
      ...values('interval', 'timeout', 'unhealthy_threshold', 'healthy_threshold'),
      health_check: {
        keys: {
          http: { keys: { ...values('path', 'hostname', 'remove_request_headers'), add_request_headers: addedHeaders, expected_statuses: { each: { keys: values('min', 'max') } } } },
          grpc: { keys: values('upstream_name', 'authority') },
        },
      },
    },
  },
};

const shapes: Readonly<Record<string, Shape>> = {
  add_request_headers: addedHeaders,
  add_response_headers: addedHeaders,
  circuit_breakers: { each: { keys: values('priority', 'max_connections', 'max_pending_requests', 'max_requests', 'max_retries') } },
  retry_policy: { keys: values('retry_on', 'num_retries', 'per_try_timeout') },
  cors: { keys: values('origins', 'methods', 'headers', 'credentials', 'exposed_headers', 'max_age', 'v2CommaSeparatedOrigins') },
  load_balancer: { keys: { ...values('policy', 'header', 'source_ip'), cookie: { keys: values('name', 'path', 'ttl') } } },
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
  for (const [name, shape] of Object.entries(shapes)) if (fields.has(name)) check(fields, shape, fields.take(name), name, told);
}

function check(fields: Fields, shape: Shape, value: unknown, path: string, told: { left: number }): void {
  if (shape === 'value') return;
  if ('each' in shape) return arrayOf(value).forEach((item, index) => check(fields, shape.each, item, `${path}[${index}]`, told));
  if (!isRecord(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if ('named' in shape) {
      check(fields, shape.named, inner, `${path}.${key}`, told);
    } else if (Object.hasOwn(shape.keys, key)) {
      check(fields, shape.keys[key]!, inner, `${path}.${key}`, told);
    } else if (told.left > 0) {
      told.left -= 1;
      const near = nearWord(key, Object.keys(shape.keys));
      fields.report('warning', 'unknown-field', `${path}.${key}`.slice(0, 120), `this is not a field of ${path.replace(/\[\d+\]/g, '').slice(0, 60)} and is ignored; ${near === null ? `write one of ${Object.keys(shape.keys).filter((name) => !name.startsWith('v2')).join(', ')}, or remove it` : `write ${near}`}`);
    }
  }
}
