// What goes by one name, whether objects of that name exist or not.
import type { Few } from "../collections/few.ts";
import type { Service } from "../backends/services.ts";
import type { Secret, TlsContext } from "../backends/tls.ts";
import { Watched, type Declarer } from "../declarers/declarer.ts";

/** All that goes by one name of SDs in a namespace. */
export class NameRecord extends Watched {
  readonly namespace: string;
  readonly name: string;
  /** Declarers whose own or external name it is. */
  declarers: Few<Declarer> = null;
  /** Services whose owner has this name. */
  services: Few<Service> = null;
  touched = false;

  constructor(namespace: string, name: string) {
    super();
    this.namespace = namespace;
    this.name = name;
  }

  get isIdle(): boolean {
    return this.declarers === null && this.services === null && this.readers === null;
  }
}

/** A Secret, or the TLSContexts of one name, whether there is one or not. */
export class Material extends Watched {
  readonly namespace: string;
  readonly name: string;
  secret: Secret | null = null;
  readonly contexts = new Map<Declarer, TlsContext>();
  touched = false;

  constructor(namespace: string, name: string) {
    super();
    this.namespace = namespace;
    this.name = name;
  }

  get isIdle(): boolean {
    return this.secret === null && this.contexts.size === 0 && this.readers === null;
  }
}
