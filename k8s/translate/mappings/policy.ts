// Policy of a raw Mapping: retries, CORS, upgrades; and what steers an AuthService and a RateLimitService.
import type { Cors, ExternalPolicy, RetryPolicy } from "../../../routing/model/mapping.ts";
import type { Fields } from "../fields/fields.ts";
import { decodeLabels } from "./rate-limit-labels.ts";
import { arrayOf, booleanOf, durationMs, fieldOf, integerOf, quoted, scalarText, textOf } from "../values/value.ts";

/** Ambassador's words, then those of Envoy that it refuses: `reset`, and gRPC statuses. */
const retryWords = new Set([
  "5xx",
  "gateway-error",
  "connect-failure",
  "retriable-4xx",
  "refused-stream",
  "retriable-status-codes",
  "reset",
  "cancelled",
  "deadline-exceeded",
  "internal",
  "resource-exhausted",
  "unavailable",
]);

export function decodeRetry(fields: Fields): RetryPolicy | null {
  const policy = fields.record("retry_policy");
  if (policy === null || Object.keys(policy).length === 0) return null;
  const words = textOf(fieldOf(policy, "retry_on"))
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (words.length === 0 || !words.every((word) => retryWords.has(word))) {
    fields.bad("retry_policy", fieldOf(policy, "retry_on"), `retry_on with words of ${[...retryWords].join(", ")}`);
    return null;
  }
  const [numRetries, perTry] = [fieldOf(policy, "num_retries") ?? 1, fieldOf(policy, "per_try_timeout") ?? null];
  const retries = integerOf(numRetries);
  const perTryMs = durationMs(perTry);
  const good = retries !== null && retries >= 0;
  if (!good) fields.bad("retry_policy", numRetries, "num_retries as a whole number, 0 or more");
  if (perTry !== null && !(perTryMs !== null && perTryMs > 0))
    fields.bad("retry_policy", perTry, "per_try_timeout as a time: 250ms, 1.5s");
  return { retryOn: words, numRetries: good ? retries : 1, perTryTimeoutMs: perTryMs === 0 ? null : perTryMs };
}

/** Longest text of one CORS header, and most origins of one Mapping. */
const mostCorsText = 1024;
const mostOrigins = 64;

export function decodeCors(fields: Fields): Cors | null {
  const written = fields.record("cors");
  if (written === null || Object.keys(written).length === 0) return null;
  const list = (name: string): readonly string[] => {
    const value = fieldOf(written, name);
    const items = Array.isArray(value) ? arrayOf(value).map(textOf) : (scalarText(value) ?? "").split(",");
    return items.map((item) => item.trim()).filter((item) => item !== "");
  };
  const line = (name: string): string => {
    const text = list(name).join(", ");
    if (text.length <= mostCorsText && /^[\x20-\x7e]*$/.test(text)) return text;
    fields.bad("cors", text.slice(0, 80), `${name} as one line of at most ${mostCorsText} characters`);
    return "";
  };
  const origins = list("origins");
  if (origins.length === 0 || origins.length > mostOrigins) {
    fields.bad(
      "cors",
      fieldOf(written, "origins"),
      `origins, 1 to ${mostOrigins} of them, such as https://example.com, or *`,
    );
    return null;
  }
  const strange = origins.filter((origin) => !isOrigin(origin));
  if (strange.length > 0)
    fields.report(
      "warning",
      "bad-value",
      "cors",
      `no browser sends the origin ${strange
        .slice(0, 4)
        .map((origin) => quoted(origin))
        .join(
          ", ",
        )}, so it allows nobody; write scheme and host, as in https://shop.example, each origin by itself, or *`,
    );
  const lower = list("methods").filter((method) => method !== method.toUpperCase());
  if (lower.length > 0)
    fields.report(
      "warning",
      "bad-value",
      "cors",
      `browsers compare methods letter by letter, so ${quoted(lower.join(", "))} allows none; write ${lower.join(", ").toUpperCase()}`,
    );
  const maxAge = scalarText(fieldOf(written, "max_age")) ?? "";
  if (!/^\d{0,10}$/.test(maxAge)) fields.bad("cors", maxAge, "max_age as a number of seconds");
  return {
    origins,
    methods: line("methods"),
    headers: line("headers"),
    exposedHeaders: line("exposed_headers"),
    credentials: booleanOf(fieldOf(written, "credentials")) === true,
    maxAge: /^\d{1,10}$/.test(maxAge) ? maxAge : "",
  };
}

/** Can an `Origin` have this value (Fetch standard)? Apps in a shell send schemes of their own. */
function isOrigin(text: string): boolean {
  if (text === "*" || text === "null") return true;
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/*?#@\s]+$/.test(text)) return false;
  return !/^https?:/.test(text) || (URL.canParse(text) && new URL(text).origin === text);
}

/** `allow_upgrade`, and `use_websocket` of old documents. */
export function decodeUpgrades(fields: Fields): readonly string[] {
  const upgrades = new Set(fields.texts("allow_upgrade").map((protocol) => protocol.toLowerCase()));
  if (fields.boolean("use_websocket")) upgrades.add("websocket");
  const others = [...upgrades].filter((protocol) => protocol !== "websocket");
  if (others.length > 0) fields.bad("allow_upgrade", others.join(", "), "websocket");
  return upgrades.has("websocket") ? ["websocket"] : [];
}

/** `auth_context_extensions` of one Mapping, and characters of a key or a value. */
const mostExtensions = 32;
const mostExtensionText = 256;

const noExternalPolicy: ExternalPolicy = Object.freeze({
  bypassAuth: false,
  authContextExtensions: Object.freeze({}),
  labels: null,
});

/** What steers an AuthService or a RateLimitService: without them it changes nothing, in Ambassador either, so it is no Problem. */
export function decodeExternalPolicy(fields: Fields): ExternalPolicy {
  const written = ["bypass_auth", "auth_context_extensions", "labels", "rate_limits"].some((name) => fields.has(name));
  const extensions = fields.record("auth_context_extensions") ?? {};
  const isReadable = Object.entries(extensions).every(
    ([key, value]) => key.length <= mostExtensionText && (scalarText(value)?.length ?? Infinity) <= mostExtensionText,
  );
  if (!isReadable || Object.keys(extensions).length > mostExtensions)
    fields.bad(
      "auth_context_extensions",
      extensions,
      `at most ${mostExtensions} texts of at most ${mostExtensionText} characters`,
    );
  const policy: ExternalPolicy = {
    bypassAuth: fields.boolean("bypass_auth"),
    authContextExtensions: Object.fromEntries(
      Object.entries(extensions).map(([key, value]) => [key, scalarText(value) ?? ""]),
    ),
    labels: decodeLabels(fields),
  };
  return written ? policy : noExternalPolicy;
}
