// Manifests: the text of one .yaml, .yml or .json file to the objects that it declares.
import { CORE_SCHEMA, loadAll, mergeTag, YAMLException } from 'js-yaml';
import type { ObjectRef, Problem, ProblemLevel } from '../../routing/problem.ts';
import { lostWith } from '../translate/ambassador-kinds.ts';
import { nearWord } from '../translate/near-word.ts';
import { quoted } from '../translate/value.ts';
import { splitDocuments, splitJson, type ManifestDocument } from './documents.ts';
import { extentOf } from './extent.ts';
import { fieldAt, originAt, position, templateIn, type Place } from './manifest-place.ts';
import { listItemsOf, type ListItems } from './list-items.ts';
import { cutList, type LongList } from './long-list.ts';
import { jsonErrorOffset } from './json-error.ts';
import { readKind } from './kinds.ts';
import { StoredObject } from './stored-object.ts';
import { finish, type Work } from './turns.ts';

/** Bounds of one manifest file. They cost the control worker only. */
export const manifestBounds = {
  /** One document; of a List over it, one item, and all that is no item. */
  documentBytes: 1024 * 1024,
  fileBytes: 64 * 1024 * 1024,
  /** Documents, and items of Lists over the bound of a document. */
  documents: 100_000,
  /** Problems that are told one by one; the rest is counted. */
  problems: 100,
  /** Values of one document with every alias written out, and the characters of their texts. */
  nodes: 200_000,
  characters: 4 * 1024 * 1024,
  /** Maps and lists inside each other with every alias written out. */
  depth: 100,
} as const;

export interface ManifestOptions {
  /** Name of the file for people and for `origin`; `-`: standard input. */
  readonly file: string;
  /** Namespace of objects that name none. */
  readonly defaultNamespace: string;
  /** Objects of an earlier reading stay served for what cannot be read now. */
  readonly hasLastGood: boolean;
}

export interface Manifest {
  readonly objects: readonly StoredObject[];
  readonly problems: readonly Problem[];
  /** false: a part was not read, so an object that is missing here may still be declared, and its last good form holds. */
  readonly complete: boolean;
  /** Objects of kinds that routing does not read. */
  readonly otherKinds: number;
  /** Objects that name no namespace and were given the default. */
  readonly withoutNamespace: number;
}

/** kubectl understands `<<`, so manifests that people have may use it. */
const schema = CORE_SCHEMA.withTags(mergeTag);

// A namespace is a segment of public paths, so it is held to Kubernetes' rule (RFC 1123 label); names only to what cannot be mistaken for another object's.
const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

/** The same as `readingManifest`, at once. */
export function parseManifest(bytes: Uint8Array, options: ManifestOptions): Manifest {
  return finish(readingManifest(bytes, options));
}

/**
 * Reads one file: documents, Lists unfolded, objects in the order written. A file whose name ends in `.json` and standard input are JSON, one
 * value or several, where the text begins like JSON, else YAML (as kubectl reads them). Never throws: a document that is not YAML, is too large
 * or has no identity becomes a Problem with line and column, and the other documents count. Pauses are after
 * documents and items of Lists over the bound of a document, and while these are cut.
 */
export function* readingManifest(bytes: Uint8Array, options: ManifestOptions): Work<Manifest> {
  const reading = new Reading(options);
  if (bytes.byteLength > manifestBounds.fileBytes) {
    reading.refuse('file-too-large', '', `the file has ${bytes.byteLength} bytes and is not read; split it into files of at most ${manifestBounds.fileBytes} bytes`);
    return reading.manifest();
  }
  const text = decodeText(bytes);
  if (text === null) {
    reading.refuse('not-utf8', '', 'the file is not UTF-8 text and is not read; save it as UTF-8');
    return reading.manifest();
  }
  const isJson = /^(?:.*\.json|-)$/is.test(options.file) && /^\s*[{[]/.test(text);
  for (const document of isJson ? splitJson(text, manifestBounds.documentBytes) : splitDocuments(text)) {
    if (!reading.counts(document)) break;
    if (!fits(document.text)) yield* reading.long(document);
    else if (isJson) reading.json(document);
    else reading.yaml(document);
    yield;
  }
  return reading.manifest();
}

function decodeText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** What has been read of one file so far. */
class Reading {
  readonly #options: ManifestOptions;
  readonly #objects: StoredObject[] = [];
  readonly #problems: Problem[] = [];
  #complete = true;
  #otherKinds = 0;
  #withoutNamespace = 0;
  #documents = 0;
  /** Problems beyond the bound, and the worst level among them. */
  #untold: { count: number; level: ProblemLevel } = { count: 0, level: 'warning' };

  constructor(options: ManifestOptions) {
    this.#options = options;
  }

  manifest(): Manifest {
    const { count, level } = this.#untold;
    const problems = count === 0 ? this.#problems : [...this.#problems, this.#ofFile(level, 'more-problems', '', `the file has ${count} more Problems, which are not listed; correct those that are`)];
    return { objects: this.#objects, problems, complete: this.#complete, otherKinds: this.#otherKinds, withoutNamespace: this.#withoutNamespace };
  }

  /** A part of the file that is not served. */
  refuse(code: string, field: string, sentence: string): void {
    this.#complete = false;
    this.#problem('error', code, field, sentence);
  }

  #problem(level: ProblemLevel, code: string, field: string, sentence: string): void {
    this.#tell(this.#ofFile(level, code, field, sentence));
  }

  #ofFile(level: ProblemLevel, code: string, field: string, sentence: string): Problem {
    return { code, level, subject: { kind: 'File', namespace: '', name: this.#options.file }, field, sentence };
  }

  #tell(problem: Problem): void {
    if (this.#problems.length < manifestBounds.problems) this.#problems.push(problem);
    else this.#untold = { count: this.#untold.count + 1, level: problem.level === 'error' ? 'error' : this.#untold.level };
  }

  /** ` and its last good form stays` where there is one. */
  get #lastGood(): string {
    return this.#options.hasLastGood ? ', and its last good form stays' : '';
  }

  /** false: there are too many, and nothing is read from here on. */
  counts({ line }: ManifestDocument): boolean {
    this.#documents += 1;
    if (this.#documents <= manifestBounds.documents) return true;
    this.refuse('too-many-documents', position(line, 1), `the file has more than ${manifestBounds.documents} documents and nothing is read from here on; split it into several files`);
    return false;
  }

  yaml(document: ManifestDocument): void {
    for (const value of this.#parsedYaml(document) ?? []) this.#document(value, { line: document.contentLine, items: '' }, null);
  }

  json(document: ManifestDocument): void {
    if (document.text.trim() !== '') this.#document(this.#parsedJson(document, 'the file is not valid JSON and is not read from here on'), { line: document.contentLine, items: '' }, null);
  }

  /** A document over the bound: a List is read item by item, anything else is refused. */
  *long(document: ManifestDocument): Work {
    const list = yield* cutList(document, manifestBounds.documents - this.#documents);
    if (list?.more === true) {
      this.refuse('too-many-documents', position(document.contentLine, 1), `the file has more than ${manifestBounds.documents} documents and items of Lists, so this List is not read; split it into several files`);
      return;
    }
    const listed = list === null || !fits(list.envelope) ? null : this.#listed(list, document);
    if (list === null || listed === null) {
      this.refuse('document-too-large', position(document.line, 1), `the document has ${Buffer.byteLength(document.text)} bytes and is not read; at most ${manifestBounds.documentBytes} are (of a List for each item), so put its objects into documents of their own`);
      return;
    }
    this.#documents += list.items.length;
    for (const [index, item] of list.items.entries()) {
      this.#item(item, list.notation, { line: item.contentLine, items: `items[${index}]` }, listed);
      yield;
    }
  }

  /** What the items of a long List are; null: it is none. */
  #listed({ envelope, notation }: LongList, { line, contentLine }: ManifestDocument): ListItems | null {
    const document = { text: envelope, line, contentLine };
    const value = notation === 'json' ? this.#parsedJson(document, 'the document is not valid JSON and is not read') : this.#parsedYaml(document)?.[0];
    return isRecord(value) ? listItemsOf(value['kind'], value['apiVersion']) : null;
  }

  #item(item: ManifestDocument, notation: LongList['notation'], place: Place, listed: ListItems): void {
    if (!fits(item.text)) {
      this.refuse('document-too-large', fieldAt(place), `the item has ${Buffer.byteLength(item.text)} bytes and is not read; at most ${manifestBounds.documentBytes} are`);
    } else if (notation === 'json') {
      this.#document(this.#parsedJson(item, 'the item is not valid JSON and is not read'), place, listed);
    } else {
      const value = this.#parsedYaml(item)?.[0];
      if (Array.isArray(value)) this.#document(value[0], place, listed);
    }
  }

  /** null: it cannot be read, and a Problem says so. */
  #parsedYaml(document: ManifestDocument): readonly unknown[] | null {
    try {
      return loadAll(document.text, { schema, maxDepth: manifestBounds.depth });
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const template = templateIn(document);
      if (template !== null) {
        this.refuse('template', template, `this is a template ({{ … }}) and is not read${this.#lastGood}; render it first, for example with helm template`);
        return null;
      }
      const line = document.line + (error.mark?.line ?? 0);
      this.refuse('bad-yaml', position(line, (error.mark?.column ?? 0) + 1), `the document is not valid YAML (${error.reason}) and is not read${this.#lastGood}; correct it`);
      return null;
    }
  }

  /** null: as above, or it is null. */
  #parsedJson({ text, line }: ManifestDocument, wrong: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      const before = text.slice(0, jsonErrorOffset(text)).split('\n');
      this.refuse('bad-json', position(line + before.length - 1, before.at(-1)!.length + 1), `${wrong}${this.#lastGood}; correct it`);
      return null;
    }
  }

  #document(value: unknown, place: Place, listed: ListItems | null): void {
    if (value === null || value === undefined) return;
    const extent = extentOf(value, manifestBounds.depth);
    if (extent === null || extent.height > manifestBounds.depth) {
      this.refuse('document-too-deep', fieldAt(place), `the document is nested deeper than ${manifestBounds.depth} once its aliases are written out, and is not read; write it flatter`);
    } else if (extent.nodes > manifestBounds.nodes) {
      this.refuse('document-too-many-values', fieldAt(place), `the document has more than ${manifestBounds.nodes} values once its aliases are written out, and is not read; use fewer aliases`);
    } else if (extent.characters > manifestBounds.characters) {
      this.refuse('document-too-many-values', fieldAt(place), `the document has more than ${manifestBounds.characters} characters once its aliases are written out, and is not read; use fewer aliases`);
    } else {
      this.#object(value, place, listed);
    }
  }

  #object(value: unknown, place: Place, listed: ListItems | null): void {
    if (!isRecord(value)) {
      this.#problem('warning', 'not-an-object', fieldAt(place), 'the document is not a Kubernetes object and is passed over; remove it or write apiVersion, kind and metadata');
      return;
    }
    // The API server leaves kind and apiVersion out of the items of a typed list.
    const kind = value['kind'] ?? listed?.kind;
    const apiVersion = value['apiVersion'] ?? listed?.apiVersion;
    if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
      this.#problem('warning', 'not-an-object', fieldAt(place), 'the document has no kind or no apiVersion and is passed over; write both, or move the file out of the folder');
      return;
    }
    const items = Array.isArray(value['items']) ? listItemsOf(kind, apiVersion) : null;
    if (items !== null && Array.isArray(value['items'])) {
      const path = place.items === '' ? 'items' : `${place.items}.items`;
      for (const [index, item] of value['items'].entries()) this.#object(item, { line: place.line, items: `${path}[${index}]` }, items);
      return;
    }
    const known = readKind(kind, apiVersion);
    switch (known.kind) {
      case 'read':
        return this.#declared(value, known.name, apiVersion, place);
      case 'misspelt':
        return this.refuse('unknown-kind', fieldAt(place), known.sentence);
      case 'ambassador':
        this.#otherKinds += 1;
        return this.#tell({ code: 'kind-not-served', level: 'warning', subject: this.#refOf(value, kind), field: originAt(this.#options.file, place), sentence: lostWith(kind) });
      case 'other':
        this.#otherKinds += 1;
    }
  }

  /** The object's name as far as it can be said. */
  #refOf(object: Readonly<Record<string, unknown>>, kind: string): ObjectRef {
    const metadata = isRecord(object['metadata']) ? object['metadata'] : {};
    const [namespace, name] = [metadata['namespace'] ?? this.#options.defaultNamespace, metadata['name']];
    return { kind: ownText(kind).slice(0, 63), namespace: typeof namespace === 'string' && namespacePattern.test(namespace) ? ownText(namespace) : '', name: typeof name === 'string' && namePattern.test(name) ? ownText(name) : '' };
  }

  #declared(object: Readonly<Record<string, unknown>>, kind: string, apiVersion: string, place: Place): void {
    const metadata = isRecord(object['metadata']) ? object['metadata'] : {};
    const name = metadata['name'];
    const namespace = metadata['namespace'] ?? this.#options.defaultNamespace;
    if (typeof name !== 'string' || !namePattern.test(name)) {
      this.refuse('bad-name', fieldAt(place), `a ${kind} has no usable metadata.name and is not served; ${write(name, 'letters, digits, "-" and ".", at most 253')}`);
      return;
    }
    if (typeof namespace !== 'string' || !namespacePattern.test(namespace)) {
      this.refuse('bad-namespace', fieldAt(place), `${kind} ${name} has no usable metadata.namespace and is not served; ${write(namespace, 'lower-case letters, digits and "-", at most 63')}`);
      return;
    }
    if (metadata['namespace'] === undefined || metadata['namespace'] === null) {
      const stray = strayNamespace(object, metadata);
      if (stray !== null) return this.refuse('bad-namespace', fieldAt(place), `${kind} ${name} has ${quoted(stray)} where a namespace was probably meant and is not served, because ${namespace} would be its namespace; write metadata.namespace`);
      this.#withoutNamespace += 1;
    }
    const ref = { kind, namespace: ownText(namespace), name: ownText(name) };
    this.#objects.push(new StoredObject(ref, ownText(apiVersion), originAt(this.#options.file, place), object));
  }
}

/** A misspelt namespace, or one outside metadata; null: there is none. */
function strayNamespace(object: Readonly<Record<string, unknown>>, metadata: Readonly<Record<string, unknown>>): string | null {
  if (Object.hasOwn(object, 'namespace')) return 'namespace';
  return Object.keys(metadata).find((key) => key !== 'namespace' && key !== 'name' && nearWord(key, ['namespace']) !== null) ?? null;
}

/** What to write instead of a value, which may come from a template. */
function write(value: unknown, what: string): string {
  return typeof value === 'string' && value.includes('{{') ? 'this is a template: render it first' : `write ${what}`;
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= manifestBounds.documentBytes;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy: a part of the file's text would keep the whole text alive. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}
