// Clients of the OAuth gateway for tests, decoded as from a SeldonDeployment, and what they send.
import type { OAuthClient } from "../../gateway/callers/oauth-client.ts";
import { decodeOAuthKey } from "../../k8s/translate/model/oauth-key.ts";

export function oauthClient(namespace: string, deployment: string, key: string, secret: string): OAuthClient {
  const decoded = decodeOAuthKey(
    { kind: "SeldonDeployment", namespace, name: deployment },
    { oauth_key: key, oauth_secret: secret },
  );
  if (decoded?.kind !== "key") throw new Error("no key");
  const { id, plain, scoped, secret: digest } = decoded;
  return { id, names: [plain, scoped], secret: digest, namespace, deployment };
}

export function basic(name: string, secret: string): string {
  return `Authorization: Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}\r\n`;
}

/** A request for a token, as Seldon's clients of 0.2 send it. */
export function tokenRequest(
  fields: string,
  body = "grant_type=client_credentials",
  type = "application/x-www-form-urlencoded",
  path = "/oauth/token",
): string {
  return `POST ${path} HTTP/1.1\r\nHost: gateway\r\n${fields}${type === "" ? "" : `Content-Type: ${type}\r\n`}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
