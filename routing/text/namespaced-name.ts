// The key of an object among those of its kind.

/** `NAMESPACE/NAME`: no other pair of Kubernetes names has the same text. */
export function namespacedName(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
