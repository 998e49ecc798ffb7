// Access: how the API server is found, in a pod and by a kubeconfig.
import type { ApiAccess } from "./api-access.ts";

/** How to find the API server. */
export type AccessChoice =
  /** Inside a pod: the folder holds `token` and `ca.crt`. */
  | { readonly kind: "pod"; readonly server: string; readonly folder: string }
  /** null: `KUBECONFIG`, else `~/.kube/config`; null context: the current one. */
  | { readonly kind: "kubeconfig"; readonly file: string | null; readonly context: string | null };

/** Rejects with one sentence that says what to write. `elsewhere`: what may be written instead of a cluster. */
export async function openAccess(
  choice: AccessChoice,
  elsewhere = "--folder DIR to serve manifests",
): Promise<ApiAccess> {
  if (choice.kind === "pod") {
    const { podAccess } = await import("./pod-access.ts");
    return podAccess(choice.server, choice.folder);
  }
  const { kubeconfigAccess } = await import("./kubeconfig-access.ts");
  return kubeconfigAccess(choice.file, choice.context, elsewhere);
}
