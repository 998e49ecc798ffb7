// Known files: what was read of each file. Between two changes that is one text a file, a sixth of what its objects would take; a file that changes,
// or that declares what another one does, is unpacked.
import type { Ending } from "../entries/ending.ts";
import { PackedReader, PackedWriter } from "../objects/packed-text.ts";
import { byKey, StoredObject } from "../objects/stored-object.ts";

export interface KnownFile {
  /** What `stat` said when it was read: equal means not written since, as far as a slow poll needs to know. A whole number of 53 bits at most. */
  readonly stamp: number;
  /** Of the bytes, so that a touch costs no parse; "" when it has to be parsed in any case. */
  readonly digest: string;
  readonly ending: Ending | null;
  /** Last good. */
  readonly objects: readonly StoredObject[];
  readonly otherKinds: number;
  readonly withoutNamespace: number;
}

interface OpenFile {
  readonly file: KnownFile;
  /** Its objects by key; null: nobody has asked. */
  byKey: ReadonlyMap<string, readonly StoredObject[]> | null;
  /** It differs from what is packed. */
  readonly isNew: boolean;
}

export class KnownFiles {
  /** Number of each file, by the name that it is shown with. */
  readonly #numbers = new Map<string, number>();
  /** By number; null: nothing has it. */
  readonly #names: (string | null)[] = [];
  readonly #packed: string[] = [];
  readonly #free: number[] = [];
  /** Files that are not packed, or not only, by number. */
  readonly #open = new Map<number, OpenFile>();

  get(name: string): KnownFile | undefined {
    const number = this.#numbers.get(name);
    return number === undefined ? undefined : this.#opened(number).file;
  }

  set(name: string, file: KnownFile): void {
    this.#open.set(this.numberOf(name), { file, byKey: null, isNew: true });
  }

  delete(name: string): void {
    const number = this.#numbers.get(name);
    if (number === undefined) return;
    this.#numbers.delete(name);
    this.#open.delete(number);
    this.#names[number] = null;
    this.#packed[number] = "";
    this.#free.push(number);
  }

  /** true when the file was read with this stamp. */
  isStamped(name: string, stamp: number): boolean {
    const number = this.#numbers.get(name);
    if (number === undefined) return false;
    return stamp === (this.#open.get(number)?.file.stamp ?? new PackedReader(this.#packed[number]!).number());
  }

  /** Namespace of the first object that the file declares; null: none. Costs the same however many it declares. */
  namespaceOf(name: string): string | null {
    const number = this.#numbers.get(name);
    if (number === undefined) return null;
    const open = this.#open.get(number);
    if (open !== undefined) return open.file.objects[0]?.ref.namespace ?? null;
    const from = new PackedReader(this.#packed[number]!);
    headOf(from);
    return from.isAtEnd ? null : StoredObject.unpack(from, "", name).ref.namespace;
  }

  *values(): Iterable<KnownFile> {
    for (const number of this.#numbers.values()) yield this.#open.get(number)?.file ?? this.#unpack(number);
  }

  /** The file's number while it is known, or about to be. */
  numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number !== undefined) return number;
    number = this.#free.pop() ?? this.#names.length;
    this.#numbers.set(name, number);
    this.#names[number] = name;
    return number;
  }

  /** What the file of this number declares of one object. */
  declaredIn(number: number, key: string): readonly StoredObject[] {
    const open = this.#opened(number);
    open.byKey ??= byKey(open.file.objects);
    return open.byKey.get(key) ?? [];
  }

  /** Packs what is open. The texts of objects are let go with it. */
  pack(): void {
    for (const [number, { file, isNew }] of this.#open) if (isNew) this.#packed[number] = packFile(file);
    this.#open.clear();
  }

  #opened(number: number): OpenFile {
    let open = this.#open.get(number);
    if (open === undefined) this.#open.set(number, (open = { file: this.#unpack(number), byKey: null, isNew: false }));
    return open;
  }

  #unpack(number: number): KnownFile {
    return unpackFile(this.#packed[number]!, this.#names[number]!);
  }
}

/** One text. Objects are as if they were let go. */
export function packFile({ stamp, digest, ending, otherKinds, withoutNamespace, objects }: KnownFile): string {
  const to = new PackedWriter();
  to.number(stamp);
  to.text(digest);
  to.number(ending === null ? 0 : ending.bytes + 1);
  if (ending !== null) to.number(ending.tail >>> 0);
  to.number(otherKinds);
  to.number(withoutNamespace);
  let namespace = "";
  for (const object of objects) {
    object.pack(to, namespace);
    namespace = object.ref.namespace;
  }
  return to.packed;
}

/** `name`: of the file. */
export function unpackFile(packed: string, name: string): KnownFile {
  const from = new PackedReader(packed);
  const head = headOf(from);
  const objects: StoredObject[] = [];
  while (!from.isAtEnd) objects.push(StoredObject.unpack(from, objects.at(-1)?.ref.namespace ?? "", name));
  return { ...head, objects };
}

/** What stands before the objects. */
function headOf(from: PackedReader): Omit<KnownFile, "objects"> {
  const stamp = from.number();
  const digest = from.text();
  const bytes = from.number() - 1;
  const ending = bytes < 0 ? null : { bytes, tail: from.number() | 0 };
  return { stamp, digest, ending, otherKinds: from.number(), withoutNamespace: from.number() };
}
