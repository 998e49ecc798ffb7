// Manifests: the text of one .yaml, .yml or .json file to the objects that it declares.
import { CORE_SCHEMA, loadAll, mergeTag, YAMLException } from 'js-yaml';
import type { Problem } from '../../routing/problem.ts';
import { splitDocuments, type ManifestDocument } from './documents.ts';
import { jsonErrorOffset } from './json-error.ts';
import { StoredObject } from './stored-object.ts';

/** Bounds of one manifest file (design §4.15). They cost the control worker only. */
export const manifestBounds = {
  documentBytes: 1024 * 1024,
  fileBytes: 64 * 1024 * 1024,
  /** Values of one document with every alias written out, and the characters of their texts. */
  nodes: 200_000,
  characters: 4 * 1024 * 1024,
  /** Maps and lists inside each other with every alias written out. */
  depth: 100,
} as const;

export interface ManifestOptions {
  /** Name of the file for people and for `origin`; one that ends in `.json` is read as JSON. */
  readonly file: string;
  /** Namespace of objects that name none (design §4.2). */
  readonly defaultNamespace: string;
}

export interface Manifest {
  readonly objects: readonly StoredObject[];
  readonly problems: readonly Problem[];
  /** false: a part was not read, so an object that is missing here may still be declared (design §4.16: its last good form holds). */
  readonly complete: boolean;
}

/** kubectl understands `<<`, so manifests that people have may use it. */
const schema = CORE_SCHEMA.withTags(mergeTag);

/** Routing reads these; every other kind belongs to somebody else and is passed over. */
const groups: Readonly<Record<string, RegExp>> = {
  SeldonDeployment: /^machinelearning\.seldon\.io\//,
  Service: /^v1$/,
  Secret: /^v1$/,
  EndpointSlice: /^discovery\.k8s\.io\//,
  Mapping: /^(x\.)?getambassador\.io\//,
  TLSContext: /^(x\.)?getambassador\.io\//,
};

const kindNames = Object.keys(groups);

// A namespace is a segment of public paths, so it is held to Kubernetes' rule (RFC 1123 label); names only to what cannot be mistaken for another object's.
const namespacePattern = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

/**
 * Reads one file: documents, List kinds unfolded, objects in the order written. Never throws: a document that is not YAML, is too large or
 * has no identity becomes a Problem with line and column, and the other documents count.
 */
export function parseManifest(bytes: Uint8Array, options: ManifestOptions): Manifest {
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
  if (options.file.endsWith('.json')) reading.json({ text, line: 1, contentLine: 1 });
  else for (const document of splitDocuments(text)) reading.yaml(document);
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

  constructor(options: ManifestOptions) {
    this.#options = options;
  }

  manifest(): Manifest {
    return { objects: this.#objects, problems: this.#problems, complete: this.#complete };
  }

  /** A part of the file that is not served. */
  refuse(code: string, field: string, sentence: string): void {
    this.#complete = false;
    this.#problem('error', code, field, sentence);
  }

  #problem(level: 'error' | 'warning', code: string, field: string, sentence: string): void {
    this.#problems.push({ code, level, subject: { kind: 'File', namespace: '', name: this.#options.file }, field, sentence });
  }

  yaml(document: ManifestDocument): void {
    if (!this.#fits(document)) return;
    try {
      for (const value of loadAll(document.text, { schema, maxDepth: manifestBounds.depth })) this.#document(value, document.contentLine);
    } catch (error) {
      if (!(error instanceof YAMLException)) throw error;
      const line = document.line + (error.mark?.line ?? 0);
      this.refuse('bad-yaml', position(line, (error.mark?.column ?? 0) + 1), `the document is not valid YAML (${error.reason}) and its last good form stays; correct it`);
    }
  }

  json(document: ManifestDocument): void {
    if (!this.#fits(document) || document.text.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(document.text);
    } catch {
      const before = document.text.slice(0, jsonErrorOffset(document.text)).split('\n');
      this.refuse('bad-json', position(before.length, before.at(-1)!.length + 1), 'the file is not valid JSON and its last good form stays; correct it');
      return;
    }
    this.#document(value, document.contentLine);
  }

  #fits(document: ManifestDocument): boolean {
    const size = Buffer.byteLength(document.text);
    if (size <= manifestBounds.documentBytes) return true;
    this.refuse('document-too-large', position(document.line, 1), `the document has ${size} bytes and is not read; at most ${manifestBounds.documentBytes} are, so put its objects into documents of their own`);
    return false;
  }

  #document(value: unknown, line: number): void {
    if (value === null || value === undefined) return;
    const extent = measure(value, 0, new Map());
    if (extent === null || extent.height > manifestBounds.depth) {
      this.refuse('document-too-deep', position(line, 1), `the document is nested deeper than ${manifestBounds.depth} once its aliases are written out, and is not read; write it flatter`);
    } else if (extent.nodes > manifestBounds.nodes) {
      this.refuse('document-too-many-values', position(line, 1), `the document has more than ${manifestBounds.nodes} values once its aliases are written out, and is not read; use fewer aliases`);
    } else if (extent.characters > manifestBounds.characters) {
      this.refuse('document-too-many-values', position(line, 1), `the document has more than ${manifestBounds.characters} characters once its aliases are written out, and is not read; use fewer aliases`);
    } else {
      this.#object(value, line, null);
    }
  }

  #object(value: unknown, line: number, listed: ListItems | null): void {
    if (!isRecord(value)) {
      this.#problem('warning', 'not-an-object', position(line, 1), 'the document is not a Kubernetes object and is passed over; remove it or write apiVersion, kind and metadata');
      return;
    }
    // The API server leaves kind and apiVersion out of the items of a typed list.
    const kind = value['kind'] ?? listed?.kind;
    const apiVersion = value['apiVersion'] ?? listed?.apiVersion;
    if (typeof kind !== 'string' || typeof apiVersion !== 'string') {
      this.#problem('warning', 'not-an-object', position(line, 1), 'the document has no kind or no apiVersion and is passed over; write both, or move the file out of the folder');
      return;
    }
    if (kind.endsWith('List') && Array.isArray(value['items'])) {
      // kubectl never writes a List into a List: one level is read.
      const items: ListItems = kind === 'List' ? { kind: null, apiVersion: null } : { kind: kind.slice(0, -'List'.length), apiVersion };
      if (listed === null) for (const item of value['items']) this.#object(item, line, items);
      return;
    }
    if (!Object.hasOwn(groups, kind) || !groups[kind]!.test(apiVersion)) return;
    this.#declared(value, kindNames.find((name) => name === kind)!, apiVersion, line);
  }

  #declared(object: Readonly<Record<string, unknown>>, kind: string, apiVersion: string, line: number): void {
    const metadata = isRecord(object['metadata']) ? object['metadata'] : {};
    const name = metadata['name'];
    const namespace = metadata['namespace'] ?? this.#options.defaultNamespace;
    if (typeof name !== 'string' || !namePattern.test(name)) {
      this.refuse('bad-name', position(line, 1), `a ${kind} has no usable metadata.name and is not served; write letters, digits, "-" and ".", at most 253`);
      return;
    }
    if (typeof namespace !== 'string' || !namespacePattern.test(namespace)) {
      this.refuse('bad-namespace', position(line, 1), `${kind} ${name} has no usable metadata.namespace and is not served; write lower-case letters, digits and "-", at most 63`);
      return;
    }
    const ref = { kind, namespace: ownText(namespace), name: ownText(name) };
    this.#objects.push(new StoredObject(ref, ownText(apiVersion), this.#options.file, line, object));
  }
}

/** What the items of a List are when they do not say it themselves. */
interface ListItems {
  readonly kind: string | null;
  readonly apiVersion: string | null;
}

interface Extent {
  readonly nodes: number;
  readonly height: number;
  readonly characters: number;
}

const scalarExtent: Extent = Object.freeze({ nodes: 1, height: 0, characters: 8 });

/** Values and nesting of a document with aliases written out, each shared value measured once; null: nested too deep, or inside itself. */
function measure(value: unknown, depth: number, seen: Map<object, Extent>): Extent | null {
  if (typeof value === 'string') return { nodes: 1, height: 0, characters: value.length };
  if (typeof value !== 'object' || value === null) return scalarExtent;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (depth >= manifestBounds.depth) return null;
  let nodes = 1;
  let height = 1;
  let characters = 0;
  for (const [key, child] of Object.entries(value)) {
    const extent = measure(child, depth + 1, seen);
    if (extent === null) return null;
    nodes += extent.nodes;
    characters += key.length + extent.characters;
    height = Math.max(height, extent.height + 1);
  }
  const extent = { nodes, height, characters };
  seen.set(value, extent);
  return extent;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy: a part of the file's text would keep the whole text alive. */
function ownText(text: string): string {
  return Buffer.from(text).toString();
}

function position(line: number, column: number): string {
  return `line ${line}, column ${column}`;
}
