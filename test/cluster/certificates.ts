// Keys and certificates of a test cluster, made by openssl: Node signs no certificates.
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Paths of PEM files in one folder. */
export interface Certificates {
  readonly ca: string;
  readonly serving: { readonly certificate: string; readonly key: string };
  /** For `CN=admin, O=system:masters`: may do everything. */
  readonly admin: { readonly certificate: string; readonly key: string };
  /** Signs the tokens of service accounts, and proves them. */
  readonly tokens: { readonly publicKey: string; readonly key: string };
}

export async function makeCertificates(folder: string): Promise<Certificates> {
  const file = (name: string): string => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run("openssl", [
    "req",
    "-x509",
    ...key,
    "-days",
    "30",
    "-subj",
    "/CN=test-cluster",
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.crt"),
  ]);
  const issue = async (
    name: string,
    subject: string,
    extensions: string,
  ): Promise<{ certificate: string; key: string }> => {
    await writeFile(file(`${name}.ext`), extensions);
    await run("openssl", [
      "req",
      ...key,
      "-subj",
      subject,
      "-keyout",
      file(`${name}.key`),
      "-out",
      file(`${name}.csr`),
    ]);
    await run("openssl", [
      "x509",
      "-req",
      "-days",
      "30",
      "-in",
      file(`${name}.csr`),
      "-CA",
      file("ca.crt"),
      "-CAkey",
      file("ca.key"),
      "-set_serial",
      `0x${Buffer.from(name).toString("hex")}`,
      "-extfile",
      file(`${name}.ext`),
      "-out",
      file(`${name}.crt`),
    ]);
    return { certificate: file(`${name}.crt`), key: file(`${name}.key`) };
  };
  const serving = await issue(
    "serving",
    "/CN=kube-apiserver",
    "subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n",
  );
  const admin = await issue("admin", "/O=system:masters/CN=admin", "extendedKeyUsage=clientAuth\n");
  await run("openssl", [
    "genpkey",
    "-algorithm",
    "EC",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-out",
    file("tokens.key"),
  ]);
  await run("openssl", ["pkey", "-in", file("tokens.key"), "-pubout", "-out", file("tokens.pub")]);
  return { ca: file("ca.crt"), serving, admin, tokens: { publicKey: file("tokens.pub"), key: file("tokens.key") } };
}
