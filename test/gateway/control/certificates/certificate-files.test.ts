// Certificates of files: which pairs a folder holds, and that a change of one is heard, as tools and Kubernetes make it.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CertificateFiles } from "../../../../gateway/control/certificates/certificate-files.ts";
import { seedsOf } from "../../../../gateway/options/seeds.ts";
import type { TlsSettings } from "../../../../gateway/options/settings.ts";
import { plainTlsDefaults } from "../../../../gateway/options/tls-defaults.ts";

let folder: string;
let files: CertificateFiles | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-certificates-"));
});
afterEach(() => {
  files?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

function open(more: Partial<TlsSettings> = {}, changed = (): void => undefined): CertificateFiles {
  files = new CertificateFiles(
    {
      host: null,
      port: 0,
      certFile: null,
      keyFile: null,
      folders: [folder],
      ticketKeysFile: null,
      defaults: plainTlsDefaults,
      ...more,
    },
    changed,
  );
  return files;
}

const told = (from: CertificateFiles): readonly string[] =>
  from
    .read()
    .declarations.map(
      ({ name, hosts, identity }) =>
        `${name} ${String(hosts)} ${identity !== null && "certPem" in identity ? `${identity.certPem}/${identity.keyPem}` : JSON.stringify(identity)}`,
    );

describe("a folder of certificates", () => {
  test("has pairs by name, folders with tls.crt, and the default", () => {
    write("a.crt", "A");
    write("a.key", "KA");
    write("default.crt", "D");
    write("default.key", "KD");
    write(".hidden.crt", "H");
    write("notes.txt", "x");
    mkdirSync(join(folder, "sub"));
    write("sub/tls.crt", "S");
    write("sub/tls.key", "KS");
    mkdirSync(join(folder, "empty"));
    expect(told(open())).toEqual(["a.crt null A/KA", "default.crt * D/KD", "sub/tls.crt null S/KS"]);
  });

  test("a pair of options comes last, for all hosts", () => {
    write("a.crt", "A");
    write("a.key", "KA");
    expect(told(open({ certFile: join(folder, "a.crt"), keyFile: join(folder, "a.key") }))).toEqual([
      "a.crt null A/KA",
      "a.crt * A/KA",
    ]);
  });

  test("a certificate without its key, a key without its certificate, a file that is too long", () => {
    write("a.crt", "A");
    write("b.key", "KB");
    write("c.crt", "x".repeat(256 * 1024));
    write("d.crt", "x".repeat(256 * 1024 + 1));
    for (const name of ["c.key", "d.key"]) write(name, "K");
    const { declarations, problems } = open().read();
    expect(
      declarations.map(({ name, identity }) => [
        name,
        identity !== null && "missing" in identity ? identity.missing : "read",
      ]),
    ).toEqual([
      ["a.crt", "cannot be read: there is no file a.key"],
      ["c.crt", "read"],
      ["d.crt", "cannot be used: d.crt is longer than 256 KiB"],
    ]);
    expect(problems.map(({ code, subject }) => `${code} ${subject.name}`)).toEqual(["bad-certificate b.key"]);
  });

  test("one that cannot be read is a Problem", () => {
    const { problems } = open({ folders: [join(folder, "nowhere")] }).read();
    expect(problems.map(({ code }) => code)).toEqual(["unreadable-folder"]);
    expect(files!.faultIn(problems)).toMatch(/^--tls-certs \S+nowhere cannot be read/);
  });

  test("a change is heard: of a file, and of a folder that Kubernetes mounts", async () => {
    mkdirSync(join(folder, "..1"));
    write("..1/tls.crt", "ONE");
    write("..1/tls.key", "K1");
    mkdirSync(join(folder, "pair"));
    mkdirSync(join(folder, "pair/..1"));
    write("pair/..1/tls.crt", "ONE");
    write("pair/..1/tls.key", "K1");
    symlinkSync("..1", join(folder, "pair/..data"));
    for (const name of ["tls.crt", "tls.key"]) symlinkSync(`..data/${name}`, join(folder, `pair/${name}`));
    let heard = Promise.withResolvers<void>();
    const opened = open({}, () => heard.resolve());
    expect(told(opened)).toEqual(["pair/tls.crt null ONE/K1"]);
    mkdirSync(join(folder, "pair/..2"));
    write("pair/..2/tls.crt", "TWO");
    write("pair/..2/tls.key", "K2");
    symlinkSync("..2", join(folder, "pair/..new"));
    renameSync(join(folder, "pair/..new"), join(folder, "pair/..data"));
    await heard.promise;
    expect(told(opened)).toEqual(["pair/tls.crt null TWO/K2"]);
    heard = Promise.withResolvers<void>();
    write("b.crt", "B");
    write("b.key", "KB");
    await heard.promise;
    expect(told(opened)).toEqual(["b.crt null B/KB", "pair/tls.crt null TWO/K2"]);
  });
});

describe("seeds of ticket keys", () => {
  const line = (bytes: number): string => Buffer.alloc(bytes, 7).toString("base64");

  test.each([
    [31, false],
    [32, true],
    [48, true],
  ])("%i bytes: %s", (bytes, good) => {
    expect(seedsOf(`${line(bytes)}\n`) !== null).toBe(good);
  });

  test.each([
    [0, false],
    [1, true],
    [4, true],
    [5, false],
  ])("%i lines: %s", (count, good) => {
    expect(seedsOf(Array.from({ length: count }, () => line(48)).join("\n")) !== null).toBe(good);
  });

  test("what is no base64", () => {
    expect(seedsOf("-----BEGIN PRIVATE KEY-----")).toBeNull();
  });

  test("a file that is broken later: the keys from before stay", () => {
    write("keys", line(48));
    const opened = open({ folders: [], ticketKeysFile: join(folder, "keys") });
    expect(opened.read().ticketSeeds).toHaveLength(1);
    write("keys", "garbage");
    const { ticketSeeds, problems } = opened.read();
    expect(ticketSeeds).toHaveLength(1);
    expect(problems.map(({ code, sentence }) => `${code}: ${sentence}`).join()).toMatch(
      /^bad-ticket-keys: .* the keys from before stay/,
    );
  });
});
