// Peers that end TLS, each with one P-256 certificate for all hosts, and Sluice among 10,000 certificates too.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deployments } from "../fleet.ts";
import { freePort } from "../process.ts";
import { startHaproxy } from "./haproxy.ts";
import { startNginx } from "./nginx.ts";
import type { PeerKind } from "./peer.ts";
import { sluiceWith } from "./sluice.ts";

/** Hosts that Sluice has a certificate for; each answers to `hN.example`. */
export const manyHosts = 10_000;

export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
  /** Both in one file, as HAProxy has it. */
  readonly bothFile: string;
}

const openssl = "openssl";

export function makeIdentity(folder: string): Identity {
  const file = (name: string): string => join(folder, name);
  const identity = { certFile: file("tls.crt"), keyFile: file("tls.key"), bothFile: file("both.pem") };
  execFileSync(
    openssl,
    [
      "req",
      "-x509",
      "-newkey",
      "ec",
      "-pkeyopt",
      "ec_paramgen_curve:prime256v1",
      "-nodes",
      "-days",
      "30",
      "-subj",
      "/CN=load",
      "-addext",
      "subjectAltName=DNS:*.example",
      "-keyout",
      identity.keyFile,
      "-out",
      identity.certFile,
    ],
    { stdio: "ignore" },
  );
  writeFileSync(identity.bothFile, readFileSync(identity.certFile, "utf8") + readFileSync(identity.keyFile, "utf8"));
  return identity;
}

/** One Secret, and so many Hosts that name it: as many certificates to Sluice. */
function hostManifests({ certFile, keyFile }: Identity): string {
  const secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "pair", namespace: "default" },
    stringData: { "tls.crt": readFileSync(certFile, "utf8"), "tls.key": readFileSync(keyFile, "utf8") },
  };
  const hosts = Array.from({ length: manyHosts }, (_, index) => ({
    apiVersion: "getambassador.io/v2",
    kind: "Host",
    metadata: { name: `h${index}`, namespace: "default" },
    spec: {
      hostname: `h${index}.example`,
      tlsSecret: { name: "pair" },
      requestPolicy: { insecure: { action: "Route" } },
    },
  }));
  return [secret, ...hosts].map((object) => JSON.stringify(object)).join("\n---\n");
}

function sluiceOverTls(name: string, does: string, identity: Identity, many: boolean): PeerKind {
  return sluiceWith(name, does, async (_stage, manifests) => {
    if (many) {
      mkdirSync(join(manifests, "hosts"), { recursive: true });
      // A file holds a bounded number of documents.
      const documents = hostManifests(identity).split("\n---\n");
      for (let at = 0; at < documents.length; at += 500)
        writeFileSync(join(manifests, "hosts", `${at}.yaml`), documents.slice(at, at + 500).join("\n---\n"));
    }
    const port = await freePort();
    return {
      serveOptions: [
        "--tls-listen",
        `127.0.0.1:${port}`,
        "--tls-cert",
        identity.certFile,
        "--tls-key",
        identity.keyFile,
      ],
      port,
    };
  });
}

/** In the order of their turns: the first is compared with every other. */
export function tlsPeers(identity: Identity): readonly PeerKind[] {
  return [
    sluiceOverTls("sluice", "all of it, one certificate", identity, false),
    sluiceOverTls("sluice-10000", "the same with 10,000 certificates", identity, true),
    {
      name: "haproxy-one",
      does: "one route, one server, one certificate",
      rewrites: false,
      splits: false,
      start(stage) {
        const { main } = deployments({ ...stage.fleet, deployments: 1 })[0]!;
        return startHaproxy(
          this.name,
          stage,
          ` ssl crt ${identity.bothFile} alpn h2,http/1.1`,
          `  default_backend model\nbackend model\n  server main ${main.host}:${main.port}\n`,
        );
      },
    },
    {
      name: "nginx",
      does: "one route, one server, one certificate",
      rewrites: false,
      splits: false,
      start(stage) {
        const { main } = deployments({ ...stage.fleet, deployments: 1 })[0]!;
        const location =
          'proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;';
        return startNginx(this.name, stage, main, {
          listen: " ssl http2",
          location,
          http: `ssl_certificate ${identity.certFile}; ssl_certificate_key ${identity.keyFile};`,
        });
      },
    },
  ];
}
