// Viewer: who asks the admin port, and of which namespaces the answers may tell.

export interface Viewer {
  /** The operator of the gateway: by the admin token, or on loopback. */
  readonly isAdmin: boolean;
  /** Sees every namespace, and what belongs to none. */
  readonly seesAll: boolean;
  /** The namespaces that it sees; null: all. */
  readonly only: ReadonlySet<string> | null;
  /** `namespace` "": what belongs to no namespace. */
  sees(namespace: string): boolean;
}

export const operator: Viewer = Object.freeze({ isAdmin: true, seesAll: true, only: null, sees: () => true });

/** Sees nothing: asks what everybody may ask. */
export const nobody: Viewer = Object.freeze({
  isAdmin: false,
  seesAll: false,
  only: new Set<string>(),
  sees: () => false,
});

/** Sees everything and changes nothing. */
export const watcher: Viewer = Object.freeze({ isAdmin: false, seesAll: true, only: null, sees: () => true });

/** Sees these namespaces and nothing else. */
export function tenant(namespaces: ReadonlySet<string>): Viewer {
  return { isAdmin: false, seesAll: false, only: namespaces, sees: (namespace) => namespaces.has(namespace) };
}

/** The same viewer, who asks about one namespace only. */
export function narrowed(viewer: Viewer, namespace: string): Viewer {
  return {
    isAdmin: viewer.isAdmin,
    seesAll: false,
    only: new Set(viewer.sees(namespace) ? [namespace] : []),
    sees: (one) => one === namespace && viewer.sees(one),
  };
}
