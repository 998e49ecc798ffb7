import { describe, expect, test } from "vitest";
import { kind, kindOf } from "../../../../gateway/edge/fields/field-kind.ts";
import {
  fromClient,
  fromTrustedProxy,
  fromUpstream,
  mergeableTrailers,
  separateTrailers,
} from "../../../../gateway/edge/fields/field-rules.ts";
import { isUntouchableHeader, untouchableHeaders } from "../../../../routing/text/untouchable-headers.ts";

function kindOfName(name: string): number {
  const bytes = Buffer.from(name);
  return kindOf(bytes, 0, bytes.length);
}

/** What of a field goes on: to upstreams from anybody, from a trusted proxy, to clients, as trailers of either form. */
function rulesOf(name: string): string {
  const fieldKind = kindOfName(name);
  return [fromClient, fromTrustedProxy, fromUpstream, mergeableTrailers, separateTrailers]
    .map((rule) => rule[fieldKind])
    .join("");
}

describe("rules of fields", () => {
  test.each([...untouchableHeaders, "proxy-connection", "proxy-authorization"])(
    "%s, which no Mapping may touch, is known to the codecs and is no trailer",
    (name) => {
      expect(isUntouchableHeader(name)).toBe(true);
      expect(kindOfName(name)).not.toBe(kind.other);
      expect([mergeableTrailers[kindOfName(name)], name === "expect" ? 0 : separateTrailers[kindOfName(name)]]).toEqual(
        [0, 0],
      );
    },
  );

  test.each([
    ["connection", "00000"],
    ["content-length", "00000"],
    ["transfer-encoding", "00000"],
    ["te", "00000"],
    ["upgrade", "00000"],
    ["keep-alive", "00000"],
    ["proxy-connection", "00000"],
    ["proxy-authenticate", "00000"],
    ["http2-settings", "00000"],
    ["content_length", "00000"],
    ["keep_alive", "00000"],
    ["proxy_x", "00000"],
    ["expect", "00101"],
    ["host", "11100"],
    ["trailer", "11100"],
    ["x-request-id", "01001"],
    ["x-forwarded-for", "00101"],
    ["x-forwarded-proto", "01101"],
    ["x-forwarded-host", "01101"],
    ["x-forwarded-client-cert", "00101"],
    ["x_forwarded-client_cert", "00000"],
    ["forwarded", "01101"],
    ["x-real-ip", "01101"],
    ["x-envoy-retry-on", "01000"],
    ["x-envoy-original-path", "01000"],
    ["x-original-url", "01101"],
    ["content-type", "11101"],
    ["accept", "11101"],
    ["grpc-timeout", "11101"],
    ["date", "11101"],
    ["authorization", "11101"],
    ["seldon", "11101"],
    ["x-sluice-client", "11101"],
    ["x_sluice-client", "00000"],
    ["grpc-status", "11111"],
    ["x-anything", "11111"],
  ])("%s: %s", (name, rules) => {
    expect(rulesOf(name)).toBe(rules);
  });
});
