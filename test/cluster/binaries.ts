// The programs that install.sh builds: where they are, or why they are not here.
import { spawnSync } from "node:child_process";

const script = new URL("install.sh", import.meta.url).pathname;

export type Binaries =
  | { readonly kind: "built"; readonly folder: string }
  /** One line: what is missing and how to get it. */
  | { readonly kind: "missing"; readonly reason: string };

/** Builds nothing: that takes minutes and is `install.sh`'s. */
function findBinaries(): Binaries {
  const { status, stdout, stderr } = spawnSync(script, ["--print"], { encoding: "utf8" });
  return status === 0
    ? { kind: "built", folder: stdout.trim() }
    : { kind: "missing", reason: stderr.trim() || `${script} cannot be run` };
}

export const binaries = findBinaries();

/** Path of `etcd`, `kube-apiserver`, `kubectl` or `helm`. Throws the reason when they are not built. */
export function binary(name: "etcd" | "kube-apiserver" | "kubectl" | "helm"): string {
  if (binaries.kind === "missing") throw new Error(binaries.reason);
  return `${binaries.folder}/${name}`;
}
