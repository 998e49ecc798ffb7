// An authority for tests: certificates by openssl, since Node signs none.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const p256 = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Paths of PEM files and what is in them. */
export interface Issued {
  readonly certFile: string;
  readonly keyFile: string;
  readonly certPem: string;
  readonly keyPem: string;
}

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), "sluice-authority-"));
  readonly caFile = join(this.folder, "ca.crt");

  static async make(name = "Test authority"): Promise<Authority> {
    const authority = new Authority();
    const { folder } = authority;
    await run("openssl", [
      "req",
      "-x509",
      ...p256,
      "-days",
      "3650",
      "-subj",
      `/CN=${name}`,
      "-addext",
      "keyUsage=critical,keyCertSign,cRLSign",
      "-keyout",
      join(folder, "ca.key"),
      "-out",
      authority.caFile,
    ]);
    writeFileSync(join(folder, "index.txt"), "");
    writeFileSync(join(folder, "crlnumber"), "01\n");
    writeFileSync(
      join(folder, "ca.cnf"),
      `[ca]\ndefault_ca=d\n[d]\ndatabase=${folder}/index.txt\ncrlnumber=${folder}/crlnumber\ndefault_md=sha256\ndefault_crl_days=30\ncertificate=${folder}/ca.crt\nprivate_key=${folder}/ca.key\n`,
    );
    return authority;
  }

  get caPem(): string {
    return readFileSync(this.caFile, "utf8");
  }

  /** `names`: as openssl writes them, `DNS:a.example,URI:spiffe://x`; `from` and `to`: `YYYYMMDDHHMMSSZ`. */
  async issue(
    file: string,
    names: string,
    {
      subject = `/CN=${file}`,
      from = "20260101000000Z",
      to = "20360101000000Z",
    }: { readonly subject?: string; readonly from?: string; readonly to?: string } = {},
  ): Promise<Issued> {
    const at = (ending: string): string => join(this.folder, `${file}.${ending}`);
    await run("openssl", ["req", ...p256, "-subj", subject, "-keyout", at("key"), "-out", at("csr")]);
    writeFileSync(
      at("cnf"),
      `${readFileSync(join(this.folder, "ca.cnf"), "utf8")}new_certs_dir=${this.folder}\nrand_serial=yes\nunique_subject=no\npolicy=p\nx509_extensions=x\n[p]\ncommonName=optional\norganizationName=optional\norganizationalUnitName=optional\n[x]\nauthorityKeyIdentifier=keyid\n${names === "" ? "basicConstraints=CA:FALSE" : `subjectAltName=${names}`}\n`,
    );
    await run("openssl", [
      "ca",
      "-batch",
      "-notext",
      "-preserveDN",
      "-config",
      at("cnf"),
      "-startdate",
      from,
      "-enddate",
      to,
      "-utf8",
      "-in",
      at("csr"),
      "-out",
      at("crt"),
    ]);
    return {
      certFile: at("crt"),
      keyFile: at("key"),
      certPem: readFileSync(at("crt"), "utf8"),
      keyPem: readFileSync(at("key"), "utf8"),
    };
  }

  /** The list of what was revoked, these among it. */
  async revoke(...revoked: readonly Issued[]): Promise<string> {
    for (const { certFile } of revoked)
      await run("openssl", ["ca", "-config", join(this.folder, "ca.cnf"), "-revoke", certFile]);
    await run("openssl", [
      "ca",
      "-config",
      join(this.folder, "ca.cnf"),
      "-gencrl",
      "-out",
      join(this.folder, "ca.crl"),
    ]);
    return readFileSync(join(this.folder, "ca.crl"), "utf8");
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
