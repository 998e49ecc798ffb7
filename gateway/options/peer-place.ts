// Where the other replicas are: a Service of a cluster, or the address of one.
import { isNamespace, wrongValue } from "./option.ts";

export type PeerPlace =
  | { readonly kind: "service"; readonly namespace: string; readonly service: string }
  | { readonly kind: "address"; readonly host: string; readonly port: number };

export function readPeerPlace(written: string, from: string): PeerPlace {
  const [namespace = "", service = "", ...more] = written.split("/");
  if (more.length === 0 && isNamespace(namespace) && isNamespace(service))
    return { kind: "service", namespace, service };
  const url = URL.parse(written);
  const isPlain =
    url !== null &&
    url.protocol === "http:" &&
    url.username + url.password + url.search + url.hash === "" &&
    url.pathname === "/";
  if (!isPlain)
    return wrongValue(
      `${from} is "${written}": write NAMESPACE/SERVICE, or the admin port of a replica as http://HOST:PORT`,
    );
  return {
    kind: "address",
    host: url.hostname.replaceAll(/^\[|\]$/g, ""),
    port: url.port === "" ? 80 : Number(url.port),
  };
}
