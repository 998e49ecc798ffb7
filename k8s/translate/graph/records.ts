// Records: what declarers read, by name, whether it exists or not. Each is there while it is in use.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { Backend, type Backends } from "./backend-records.ts";
import { Material, NameRecord } from "./name-record.ts";
import { Registry } from "../collections/registry.ts";
import type { Watched } from "../declarers/declarer.ts";

export class Records {
  readonly backends: Backends;
  readonly names = new Registry((namespace, name) => new NameRecord(namespace, name));
  readonly secrets = new Registry((namespace, name) => new Material(namespace, name));
  readonly contexts = new Registry((namespace, name) => new Material(namespace, name));

  constructor(backends: Backends) {
    this.backends = backends;
  }

  /** Secrets that a declarer reads, as `namespace/name`, whether they exist or not. */
  wantedSecrets(): ReadonlySet<string> {
    const wanted = new Set<string>();
    for (const { namespace, name, readers } of this.secrets.values())
      if (readers !== null) wanted.add(namespacedName(namespace, name));
    return wanted;
  }

  /** No declarer reads it any more: it goes if that was its last use. */
  unread(read: Watched): void {
    if (read instanceof Backend) this.backends.registry.touch(read);
    else if (read instanceof NameRecord) this.names.touch(read);
    else if (read instanceof Material)
      (this.secrets.get(read.namespace, read.name) === read ? this.secrets : this.contexts).touch(read);
  }

  /** Forgets records that are no longer in use. */
  sweep(): void {
    for (const registry of [this.backends.registry, this.names, this.secrets, this.contexts]) registry.sweep();
  }
}
