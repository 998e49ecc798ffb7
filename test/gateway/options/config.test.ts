import { describe, expect, test } from "vitest";
import { decodeServe } from "./decode-serve.ts";
import { decoding, nameOf, readAddress, variableOf } from "../../../gateway/options/option.ts";
import { serveOptions } from "../../../gateway/options/serve-options.ts";
import { defaultLimits } from "../../../gateway/options/limits.ts";
import type { Settings } from "../../../gateway/options/settings.ts";
import { plainTlsDefaults } from "../../../gateway/options/tls-defaults.ts";

function settingsOf(argv: readonly string[], environment: Record<string, string> = {}): Settings {
  const config = decodeServe(argv, environment);
  if (config.kind !== "settings") throw new Error(JSON.stringify(config));
  return config.settings;
}

function sentenceOf(argv: readonly string[], environment: Record<string, string> = {}): string {
  const config = decodeServe(argv, environment);
  if (config.kind !== "wrong") throw new Error(JSON.stringify(config));
  return config.sentence;
}

/** For each option a good value, and a bad one or null where any text is good. */
const values: Readonly<Record<string, readonly [good: string, bad: string | null]>> = {
  source: ["folder", "fodler"],
  folder: ["manifests", null],
  kubeconfig: ["kube.yaml", null],
  context: ["minikube", null],
  "service-account": ["account", null],
  snapshot: ["last-good", null],
  listen: ["127.0.0.1:8081", "127.0.0.1"],
  "tls-listen": [":8443", "x:y"],
  "tls-cert": ["cert.pem", null],
  "tls-key": ["key.pem", null],
  "tls-certs": ["certificates", null],
  "tls-ticket-keys": ["keys", null],
  "tls-min-version": ["1.3", "1.1"],
  "tls-cipher-suites": ["ECDHE-RSA-AES128-GCM-SHA256", "HIGH"],
  admin: ["[::1]:0", "[::1]"],
  "admin-token": ["secret", null],
  workers: ["3", "65"],
  "ambassador-id": ["internal", null],
  namespace: ["prod", "Prod_1"],
  claims: ["granted", "closed"],
  "gateway-namespace": ["ambassador", "Ops_1"],
  grants: ["grants.yaml", null],
  policy: ["policy.yaml", null],
  "bare-names": ["off", "no"],
  dial: ["service", "pods"],
  "keep-disagreements": ["off", "some"],
  "puid-key": ["puid-keys", null],
  "trusted-hops": ["2", "11"],
  "proxy-protocol": ["tls", "v1"],
  "proxy-protocol-from": ["10.0.0.0/8", "10.0.0.1/8"],
  "access-log": ["all", "some"],
  redis: ["redis+cluster://a,b", "redis://:secret@a"],
  "redis-password-file": ["password", null],
  "redis-ca": ["ca.pem", null],
  peers: ["http://127.0.0.1:8877", "https://sluice"],
  "redis-timeout-ms": ["10000", "10001"],
  "admin-viewers": ["subject-access-review", "anybody"],
  "admin-host": ["sluice-admin.sluice.svc", "a:80"],
  "worker-stall-ms": ["1000", "999"],
  "table-mib": ["16", "15"],
  "drain-wait-ms": ["10", "-1"],
  "drain-grace-ms": ["10", "1s"],
};

/** Options of the cluster source. */
const ofCluster = new Set(["kubeconfig", "context", "service-account", "snapshot", "admin-viewers"]);
const inPod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "6443" };

/** What must be there for an option to make sense. */
const companions: Readonly<Record<string, readonly string[]>> = {
  "tls-listen": ["--tls-cert", "c", "--tls-key", "k"],
  "tls-cert": ["--tls-listen", ":1", "--tls-key", "k"],
  "tls-key": ["--tls-listen", ":1", "--tls-cert", "c"],
  "tls-certs": ["--tls-listen", ":1"],
  "tls-ticket-keys": ["--tls-listen", ":1"],
  "tls-min-version": ["--tls-listen", ":1"],
  "tls-cipher-suites": ["--tls-listen", ":1"],
  "single-namespace": ["--namespace", "prod"],
  "redis-password-file": ["--redis", "redis://a"],
  "redis-ca": ["--redis", "rediss://a"],
  "redis-timeout-ms": ["--redis", "redis://a"],
  "proxy-protocol-from": ["--proxy-protocol", "both"],
  "oauth-key": ["--oauth"],
};

describe("options of serve", () => {
  const limits = new Set(Object.keys(defaultLimits).map(nameOf));

  for (const [field, { kind }] of Object.entries(serveOptions)) {
    const name = nameOf(field);
    const folder = name === "folder" || ofCluster.has(name) ? [] : ["--folder", "d"];
    const around = name === "service-account" ? inPod : {};
    const base = [...folder, ...(companions[name] ?? [])];
    const [good, bad] = limits.has(name) ? ["1100", "many"] : (values[name] ?? ["true", null]);
    // 1100 is not in the range of these.
    const value =
      (
        { "head-fields": "64", "pipelined-requests": "9", "http2-connection-window-bytes": "70000" } as Readonly<
          Record<string, string>
        >
      )[name] ?? good;

    test(`--${name} and ${variableOf(name)} mean the same`, () => {
      const byFlag = decodeServe([...base, `--${name}`, ...(kind === "flag" ? [] : [value])], around);
      const byVariable = decodeServe(base, { ...around, [variableOf(name)]: value });
      expect(byFlag.kind).toBe("settings");
      expect(byVariable).toEqual(byFlag);
      // --mappings and --source folder are what a folder means anyway; all others change something.
      if (name !== "source" && name !== "grants")
        expect(byFlag).not.toEqual(
          decodeServe(
            name === "folder" ? ["--folder", "x"] : base.filter((part) => !companions[name]?.includes(part)),
            around,
          ),
        );
    });

    if (bad !== null) {
      test(`--${name} ${bad} is refused with what to write`, () => {
        expect(sentenceOf([...base, `--${name}=${bad}`])).toMatch(/: write |is not a namespace: write/);
        expect(sentenceOf([...base, `--${name}=${bad}`])).not.toContain("\n");
        expect(sentenceOf(base, { [variableOf(name)]: bad })).toMatch(/write /);
      });
    }
    if (kind !== "flag") {
      test(`--${name} without a value is refused`, () => {
        expect(sentenceOf([...base, `--${name}`])).toMatch(`--${name} needs a value: write --${name} `);
        expect(sentenceOf([...base, `--${name}`, "--mappings"])).toMatch(`--${name} needs a value`);
      });
    }
  }

  test.each([
    ["15", "wrong"],
    ["16", 16],
    ["1024", 1024],
    ["1025", "wrong"],
  ])("--table-mib %s", (text, found) => {
    const config = decodeServe(["--folder", "d", "--table-mib", text], {});
    expect(config.kind === "settings" ? config.settings.tableMib : config.kind).toBe(found);
  });

  describe("TLS", () => {
    const tls = (...more: readonly string[]): unknown => {
      const config = decodeServe(["--folder", "d", "--tls-listen", ":1", ...more], {});
      return config.kind === "settings"
        ? config.settings.tls!.defaults
        : config.kind === "wrong"
          ? config.sentence
          : config.kind;
    };
    const [a, b] = ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA"];

    test.each([[[a, b]], [[`${a},${b}`]], [[`${a}:${b}`]]])("suites in order: %j", (values) =>
      expect(tls(...values.map((value) => `--tls-cipher-suites=${value}`))).toEqual({
        minVersion: "TLSv1.2",
        cipherSuites: [a, b],
      }),
    );

    test("versions and suites that fit each other", () => {
      expect(tls()).toEqual(plainTlsDefaults);
      expect(tls("--tls-min-version", "1.3")).toEqual({ ...plainTlsDefaults, minVersion: "TLSv1.3" });
      expect(tls("--tls-min-version", "1.3", "--tls-cipher-suites", "TLS_AES_128_GCM_SHA256")).toEqual({
        minVersion: "TLSv1.3",
        cipherSuites: ["TLS_AES_128_GCM_SHA256"],
      });
      expect(tls("--tls-min-version", "1.3", "--tls-cipher-suites", a)).toMatch(
        /TLS 1\.2 only, and --tls-min-version is 1\.3: write /,
      );
      expect(tls("--tls-cipher-suites", "TLS_AES_128_GCM_SHA256")).toMatch(
        /TLS 1\.3 only, and --tls-min-version is 1\.2: write /,
      );
    });

    test.each([
      "HIGH",
      "",
      `${a},`,
      `!${a}`,
      a.toLowerCase(),
      "@SECLEVEL=0",
      "ECDHE-RSA-NULL-SHA",
      "DHE-RSA-AES128-GCM-SHA256",
      "ADH-AES128-SHA",
      "PSK-AES128-GCM-SHA256",
      "ECDHE-PSK-CHACHA20-POLY1305",
      "TLS_AES_128_GCM",
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    ])("%j is no suite that is served", (name) => {
      expect(tls(`--tls-cipher-suites=${name}`)).toMatch(/ has ".*", which .*: write names such as |needs a value/);
    });

    test("they belong to the port for TLS", () => {
      for (const option of ["--tls-min-version=1.3", `--tls-cipher-suites=${a}`])
        expect(sentenceOf(["--folder", "d", option])).toMatch(/ needs a TLS port: write --tls-listen HOST:PORT too/);
    });
  });

  test("arguments come before the environment", () => {
    expect(settingsOf(["--folder", "d", "--workers", "2"], { SLUICE_WORKERS: "5" }).workers).toBe(2);
    expect(settingsOf(["--folder", "d"], { SLUICE_WORKERS: "5" }).workers).toBe(5);
    expect(settingsOf(["--folder", "d"], { SLUICE_WORKERS: "" }).workers).toBeGreaterThan(0);
  });

  test("lists: repeated arguments, commas in the environment", () => {
    expect(settingsOf(["--folder", "a", "--folder", "b"]).source).toEqual({
      kind: "folder",
      folders: ["a", "b"],
      releasesFile: null,
    });
    expect(settingsOf([], { SLUICE_FOLDER: "a, b" }).source).toEqual({
      kind: "folder",
      folders: ["a", "b"],
      releasesFile: null,
    });
  });

  test("an option that is no list is refused where it is written twice", () => {
    expect(sentenceOf(["--folder", "d", "--workers", "2", "--workers=3"])).toBe(
      "--workers is written twice: write it once",
    );
    expect(sentenceOf(["--oauth", "--oauth"])).toBe("--oauth is written twice: write it once");
    expect(settingsOf(["--namespace", "a", "--namespace", "b"]).namespaces).toEqual(["a", "b"]);
    expect(settingsOf(["--workers", "2"], { SLUICE_WORKERS: "5" }).workers).toBe(2);
  });

  test("a list in a variable names at least one thing", () => {
    expect(sentenceOf([], { SLUICE_NAMESPACE: " , " })).toBe('SLUICE_NAMESPACE is " , ": write NS, or unset it');
    expect(settingsOf([], { SLUICE_NAMESPACE: "" }).namespaces).toEqual([]);
  });

  test("unknown options name the nearest one", () => {
    expect(sentenceOf(["--foldr", "x"])).toBe("unknown option --foldr: did you mean --folder?");
    expect(sentenceOf(["--zzzzzzzz"])).toBe("unknown option --zzzzzzzz: write --help for the list");
    expect(sentenceOf(["-x"])).toMatch(/^unknown option -x/);
  });

  test("a stray word, a value for a flag and contradictions are refused", () => {
    expect(sentenceOf(["manifests"])).toBe(
      '"manifests" is not an option: write --folder manifests to serve a directory of manifests',
    );
    expect(sentenceOf(["--folder", "d", "--mappings=yes"])).toBe("--mappings takes no value: write --mappings alone");
    expect(sentenceOf(["--source", "folder"])).toMatch(/write --folder DIR/);
    expect(sentenceOf(["--source", "cluster", "--folder", "d"])).toMatch(
      /^--folder does not work with --source cluster: /,
    );
    expect(sentenceOf(["--folder", "d", "--tls-cert", "c", "--tls-key", "k"])).toMatch(/write --tls-listen HOST:PORT/);
    expect(sentenceOf(["--folder", "d", "--tls-certs", "c"])).toMatch(/write --tls-listen HOST:PORT/);
    expect(sentenceOf(["--folder", "d", "--tls-listen", ":1", "--tls-cert", "c"])).toMatch(
      /a certificate needs its key/,
    );
    expect(settingsOf(["--folder", "d", "--tls-listen", ":1"]).tls).toEqual({
      host: null,
      port: 1,
      certFile: null,
      keyFile: null,
      folders: [],
      ticketKeysFile: null,
      defaults: plainTlsDefaults,
    });
    expect(sentenceOf(["--folder", "d", "--single-namespace"])).toMatch(/exactly one namespace and has 0/);
    expect(sentenceOf(["--folder", "d", "--single-namespace", "--namespace", "a", "--namespace", "b"])).toMatch(
      /has 2/,
    );
  });

  test("who begins with a header of the PROXY protocol", () => {
    expect(settingsOf(["--folder", "d"]).proxyProtocol).toEqual({ on: "off", from: null });
    expect(settingsOf(["--folder", "d", "--proxy-protocol", "both"]).proxyProtocol).toEqual({ on: "both", from: null });
    const from = { on: "plain", from: ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"] };
    expect(
      settingsOf([
        "--folder",
        "d",
        "--proxy-protocol",
        "plain",
        "--proxy-protocol-from",
        "10.0.0.0/8, 2001:DB8::/32",
        "--proxy-protocol-from",
        "192.0.2.7",
      ]).proxyProtocol,
    ).toEqual(from);
    expect(
      settingsOf(["--folder", "d"], {
        SLUICE_PROXY_PROTOCOL: "plain",
        SLUICE_PROXY_PROTOCOL_FROM: "10.0.0.0/8,2001:db8::/32,192.0.2.7",
      }).proxyProtocol,
    ).toEqual(from);
    expect(sentenceOf(["--folder", "d", "--proxy-protocol-from", "10.0.0.0/8"])).toBe(
      "--proxy-protocol-from needs --proxy-protocol: write --proxy-protocol plain, tls or both, or remove it",
    );
    expect(sentenceOf(["--folder", "d", "--proxy-protocol", "tls", "--proxy-protocol-from", "10.0.0.1/8"])).toMatch(
      /^--proxy-protocol-from has "10\.0\.0\.1\/8", whose address has bits behind its length/,
    );
    expect(sentenceOf(["--folder", "d", "--proxy-protocol", "tls", "--proxy-protocol-from", ""])).toMatch(
      /neither an address nor a block/,
    );
  });

  test("Ambassador's variables", () => {
    const pair = { AMBASSADOR_SINGLE_NAMESPACE: "true", AMBASSADOR_NAMESPACE: "prod" };
    expect(settingsOf(["--folder", "d"], pair)).toMatchObject({ singleNamespace: "prod", namespaces: ["prod"] });
    expect(settingsOf(["--folder", "d"], { AMBASSADOR_NAMESPACE: "prod" })).toMatchObject({
      singleNamespace: null,
      namespaces: [],
    });
    expect(settingsOf(["--folder", "d"], { AMBASSADOR_ID: "one, two" }).ambassadorIds).toEqual(["one", "two"]);
    expect(settingsOf(["--folder", "d", "--ambassador-id", "three"], { AMBASSADOR_ID: "one" }).ambassadorIds).toEqual([
      "three",
    ]);
    expect(settingsOf(["--folder", "d"]).ambassadorIds).toEqual(["default"]);
  });

  test("the gateway's own namespace: as written, Ambassador's, that of the record, of a folder; in a cluster none is guessed", () => {
    expect(settingsOf(["--folder", "d"]).gatewayNamespace).toBe("default");
    expect(settingsOf(["--folder", "d", "--namespace", "prod", "--single-namespace"]).gatewayNamespace).toBe("prod");
    expect(settingsOf(["--folder", "d"], { AMBASSADOR_NAMESPACE: "edge" }).gatewayNamespace).toBe("edge");
    expect(
      settingsOf(["--folder", "d", "--gateway-namespace", "ops"], { AMBASSADOR_NAMESPACE: "edge" }).gatewayNamespace,
    ).toBe("ops");
    expect(settingsOf([]).gatewayNamespace).toBeNull();
    expect(settingsOf([], inPod).gatewayNamespace).toBeNull();
    expect(settingsOf(["--releases-record", "ops/releases"]).gatewayNamespace).toBe("ops");
  });

  test("what is written by hand is told from what is not", () => {
    expect(settingsOf(["--folder", "d"])).toMatchObject({ trustedHops: null, connectionIdleWritten: false });
    expect(
      settingsOf(["--folder", "d", "--trusted-hops", "0", "--connection-idle-timeout-ms", "3600000"]),
    ).toMatchObject({ trustedHops: 0, connectionIdleWritten: true });
  });

  test("the admin port is on loopback, in a pod everywhere", () => {
    expect(settingsOf(["--folder", "d"]).admin).toEqual({
      host: "127.0.0.1",
      port: 8877,
      token: null,
      hosts: [],
      viewers: "policy",
    });
    expect(settingsOf(["--folder", "d"], { KUBERNETES_SERVICE_HOST: "10.0.0.1" }).admin.host).toBeNull();
    expect(decodeServe(["--folder", "d", "--admin-viewers", "subject-access-review"], {})).toMatchObject({
      kind: "wrong",
      sentence: expect.stringContaining("asks the API server of a cluster") as string,
    });
  });

  test("without a folder the source is the cluster: that of the pod, else of the kubeconfig", () => {
    const kubeconfig = { kind: "kubeconfig", file: null, context: null };
    expect(settingsOf([]).source).toEqual({
      kind: "cluster",
      access: kubeconfig,
      releases: null,
      snapshotFile: null,
    });
    const pod = {
      kind: "pod",
      server: "https://10.0.0.1:6443",
      folder: "/var/run/secrets/kubernetes.io/serviceaccount",
    };
    expect(settingsOf([], inPod).source).toEqual({
      kind: "cluster",
      access: pod,
      releases: null,
      snapshotFile: null,
    });
    expect(settingsOf(["--releases-record", "ops/releases"]).source).toMatchObject({
      releases: { namespace: "ops", name: "releases" },
    });
    expect(settingsOf(["--releases-record", "releases"], inPod).source).toMatchObject({
      releases: { namespace: null, name: "releases" },
    });
    expect(settingsOf(["--folder", "a", "--releases-record", "releases.json"]).source).toMatchObject({
      releasesFile: "releases.json",
    });
    expect(decodeServe(["--releases-record", "releases"], {})).toEqual({
      kind: "wrong",
      sentence: '--releases-record is "releases": write the ConfigMap as NAMESPACE/NAME',
    });
    expect(settingsOf([], { KUBERNETES_SERVICE_HOST: "fd00::1" }).source).toMatchObject({
      access: { server: "https://[fd00::1]:443" },
    });
    expect(settingsOf(["--context", "other"], inPod).source).toMatchObject({
      access: { ...kubeconfig, context: "other" },
    });
    expect(settingsOf(["--kubeconfig", "f"], inPod).source).toMatchObject({ access: { ...kubeconfig, file: "f" } });
  });

  test("peers are a Service of a cluster, or addresses; beyond loopback with the token that all have", () => {
    expect(settingsOf(["--peers", "sluice/sluice-peers"]).peers).toEqual([
      { kind: "service", namespace: "sluice", service: "sluice-peers" },
    ]);
    expect(settingsOf(["--folder", "d", "--peers", "http://[::1]:1", "--peers", "http://b/"]).peers).toEqual([
      { kind: "address", host: "::1", port: 1 },
      { kind: "address", host: "b", port: 80 },
    ]);
    expect(settingsOf(["--folder", "d"]).peers).toBeNull();
    for (const bad of [
      "a",
      "a/b/c",
      "A/b",
      "a/",
      "https://a",
      "http://u:p@a",
      "http://a/x",
      "http://a?x",
      "http://a#x",
      "tcp://a",
    ])
      expect(sentenceOf(["--peers", bad])).toMatch(/^--peers is ".*": write NAMESPACE\/SERVICE, or/);
    expect(sentenceOf(["--folder", "d", "--peers", "a/b"])).toMatch(/^--peers names a Service, and --folder has none/);
    const open = ["--peers", "a/b", "--admin", ":8877"];
    expect(sentenceOf(open)).toMatch(/^--peers needs the token that all replicas have: write --admin-token, or/);
    expect(settingsOf([...open, "--admin-token", "t"]).peers).toHaveLength(1);
  });

  test("options of the cluster source are refused where there is none", () => {
    expect(sentenceOf(["--folder", "d", "--kubeconfig", "f"])).toBe(
      "--kubeconfig works only with --source cluster: remove it, or remove --folder",
    );
    expect(sentenceOf(["--folder", "d"], { SLUICE_SNAPSHOT: "f" })).toBe(
      "SLUICE_SNAPSHOT works only with --source cluster: remove it, or remove --folder",
    );
    expect(sentenceOf(["--service-account", "d"])).toMatch(
      /^--service-account works only in a pod, .*: write --kubeconfig FILE$/,
    );
  });

  test("addresses", () => {
    const parseAddress = (text: string): unknown => {
      const decoded = decoding(() => readAddress(text, "--listen"));
      return decoded.kind === "decoded" ? decoded.value : null;
    };
    expect(parseAddress("8080")).toEqual({ host: null, port: 8080 });
    expect(parseAddress(":8080")).toEqual({ host: null, port: 8080 });
    expect(parseAddress("*:8080")).toBeNull();
    expect(parseAddress("localhost:0")).toEqual({ host: "localhost", port: 0 });
    expect(parseAddress("[::]:1")).toEqual({ host: "::", port: 1 });
    expect(parseAddress("::1:8080")).toBeNull();
    expect(parseAddress("a:65536")).toBeNull();
  });
});

test("what open claims mean is said once where several namespaces are watched and nobody has said who may claim", () => {
  const notice = (argv: readonly string[]): unknown => {
    const config = decodeServe(argv, {});
    return config.kind === "settings" ? config.notice : config;
  };
  expect(notice([])).toMatch(
    /^Sluice watches several namespaces and --claims is open by default: .* whose object is the oldest/,
  );
  for (const argv of [
    ["--claims", "open"],
    ["--claims", "granted"],
    ["--namespace", "a"],
  ])
    expect(notice(argv)).toBeNull();
});
