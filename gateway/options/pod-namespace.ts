// The namespace of the pod that the gateway runs in: its own, where nobody has named another.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Settings } from "./settings.ts";

/** The settings with it; as they are outside a pod, and where the file of the service account cannot be read: then nobody has named one. */
export async function withPodNamespace(settings: Settings): Promise<Settings> {
  const { source, gatewayNamespace } = settings;
  if (gatewayNamespace !== null || source.kind === "folder" || source.access.kind !== "pod") return settings;
  try {
    const namespace = (await readFile(join(source.access.folder, "namespace"), "utf8")).trim();
    return namespace === "" ? settings : { ...settings, gatewayNamespace: namespace };
  } catch {
    return settings;
  }
}
