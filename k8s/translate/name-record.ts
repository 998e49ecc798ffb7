// What goes by one name, whether objects of that name exist or not.
import type { Service } from './services.ts';
import type { Secret, TlsContext } from './tls.ts';
import { Watched, type Unit } from './unit-record.ts';

/** All that goes by one name of SDs in a namespace. */
export class NameRecord {
  readonly key: string;
  /** Units whose own or external name it is. */
  readonly units: Unit[] = [];
  /** Services whose owner has this name. */
  readonly services: Service[] = [];
  readonly watched = new Watched();
  touched = false;

  constructor(key: string) {
    this.key = key;
  }

  get isIdle(): boolean {
    return this.units.length + this.services.length + this.watched.readers.length === 0;
  }
}

/** A Secret, or the TLSContexts of one name, whether there is one or not. */
export class Material {
  readonly key: string;
  secret: Secret | null = null;
  readonly contexts = new Map<Unit, TlsContext>();
  readonly watched = new Watched();
  touched = false;

  constructor(key: string) {
    this.key = key;
  }

  get isIdle(): boolean {
    return this.secret === null && this.contexts.size + this.watched.readers.length === 0;
  }
}
