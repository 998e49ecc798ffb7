// The namespace of the pod that the gateway runs in: its own, where nobody has named another.
import { readAccountFile } from '../k8s/source/cluster/pod-access.ts';
import type { Settings } from './settings.ts';

/** The settings with it; as they are outside a pod, and where the file of the service account cannot be read: then nobody has named one. */
export async function withPodNamespace(settings: Settings): Promise<Settings> {
  const { source, gatewayNamespace } = settings;
  if (gatewayNamespace !== null || source.kind === 'folder' || source.access.kind !== 'pod') return settings;
  try {
    const namespace = (await readAccountFile(source.access.folder, 'namespace')).trim();
    return namespace === '' ? settings : { ...settings, gatewayNamespace: namespace };
  } catch {
    return settings;
  }
}
