// What holds for a host at the door, in words for people: which certificate its clients get, whether they must show one, what becomes of cleartext.
import type { Cleartext, HostDeclaration } from "../../routing/model/host-tls.ts";
import { compareText } from "../../routing/text/problem.ts";
import { byHost, comparableHost, type CertificateSet } from "../shared/certificates.ts";

/** A certificate as it is told of. */
interface Told {
  /** Who says so: `Host models/door`, `a.crt`. */
  readonly name: string;
  readonly isUsable: boolean;
  readonly asksClients: boolean;
}

/** What is known of hosts, by their names. */
export interface HostBook {
  readonly certificates: ReadonlyMap<string, Told>;
  readonly cleartext: ReadonlyMap<string, Cleartext>;
}

/** As a gateway serves them; null: it ends no TLS, and nothing is known. */
export function servedHosts(set: CertificateSet | null): HostBook {
  if (set === null) return { certificates: new Map(), cleartext: new Map() };
  const told = set.entries.map(({ name, identity, clientDigest }): Told => ({
    name,
    isUsable: identity !== null,
    asksClients: clientDigest !== "",
  }));
  return {
    certificates: new Map(Array.from(set.hosts, ([host, place]) => [host, told[place]!])),
    cleartext: set.cleartext,
  };
}

/** As objects declare them; of several with one host the first has it. Certificates that name their hosts themselves are not looked into. */
export function declaredHosts(declared: readonly HostDeclaration[]): HostBook {
  const certificates = new Map<string, Told>();
  const cleartext = new Map<string, Cleartext>();
  for (const { name, hosts, identity, clientName, cleartext: said } of declared) {
    for (const host of hosts ?? []) {
      if (identity !== null && !certificates.has(host))
        certificates.set(host, { name, isUsable: "certPem" in identity, asksClients: clientName !== "" });
      if (said !== null && !cleartext.has(host)) cleartext.set(host, said);
    }
  }
  return { certificates, cleartext };
}

/** What becomes of requests in cleartext to this host. `authority`: a Host, with or without port. */
export function cleartextOf(authority: string, { cleartext }: HostBook): Cleartext {
  return byHost(cleartext, comparableHost(authority)) ?? "route";
}

/** May a request to this host be turned away by how its connection came? */
export function isHostJudged(authority: string, hosts: HostBook): boolean {
  return (
    cleartextOf(authority, hosts) !== "route" ||
    byHost(hosts.certificates, comparableHost(authority))?.asksClients === true
  );
}

/** Hosts that are told of at once. */
const mostHosts = 8;

/** `cleartext is redirected to https for a.example.com, *.b.example`: a line each for what is not served as it is, by the least of its hosts. */
export function cleartextLines({ cleartext }: HostBook): readonly string[] {
  return (["redirect", "reject"] as const).flatMap((said) => {
    const hosts = [...cleartext].flatMap(([host, one]) => (one === said ? [host] : [])).toSorted(compareText);
    const more = hosts.length > mostHosts ? ` and ${hosts.length - mostHosts} more` : "";
    return hosts.length === 0
      ? []
      : [
          `cleartext is ${cleartextWords[said]} for ${hosts
            .slice(0, mostHosts)
            .map((host) => (host === "*" ? "every host that says nothing else" : host))
            .join(", ")}${more}`,
        ];
  });
}

const cleartextWords: Readonly<Record<Cleartext, string>> = {
  redirect: "redirected to https",
  route: "served",
  reject: "answered 404",
};

/** `certificate of Host models/door, clients show one; cleartext is redirected to https`; null where nothing says anything of it. `authority`: a Host, with or without port. */
export function hostWords(authority: string, { certificates, cleartext }: HostBook): string | null {
  const host = comparableHost(authority);
  const told = byHost(certificates, host);
  const said = byHost(cleartext, host);
  if (told === null && said === null) return null;
  const certificate =
    told === null
      ? "no certificate"
      : told.isUsable
        ? `certificate of ${told.name}${told.asksClients ? ", and clients are asked for theirs" : ""}`
        : `no handshake, as ${told.name} has no certificate that can be used`;
  return `${host}: ${certificate}; cleartext is ${cleartextWords[said ?? "route"]}`;
}
