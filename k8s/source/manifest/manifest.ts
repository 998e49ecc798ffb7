// Manifests: the text of one .yaml, .yml or .json file to the objects that it declares.
import { CORE_SCHEMA, loadAll, mergeTag, YAMLException } from "js-yaml";
import type { Problem } from "../../../routing/text/problem.ts";
import { objectKey } from "../../translate/model/object.ts";
import { isRecord } from "../../translate/values/value.ts";
import { splitDocuments, splitJson, type ManifestDocument } from "../objects/documents.ts";
import { jsonErrorOffset } from "./json-error.ts";
import { repeatedKeyOffset } from "../../../routing/text/json-keys.ts";
import { listItemsOf, type ListItems } from "./list-items.ts";
import { cutList, type LongList } from "./long-list.ts";
import { manifestBounds } from "./manifest-bounds.ts";
import { ManifestObjects } from "./manifest-objects.ts";
import { fieldAt, position, templateIn, type Place } from "../objects/manifest-place.ts";
import { ManifestProblems } from "./manifest-problems.ts";
import type { StoredObject } from "../objects/stored-object.ts";
import { finish, type Work } from "../objects/work.ts";

export interface ManifestOptions {
  /** Name of the file for people and for `origin`; `-`: standard input. */
  readonly file: string;
  /** Namespace of objects that name none. */
  readonly defaultNamespace: string;
  /** Objects of an earlier reading, which stay served for what cannot be read now. */
  readonly lastGood: readonly StoredObject[];
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

/** Characters of the parser's own words, which quote tags and aliases of any length. */
const maxReason = 200;

/** kubectl understands `<<`, so manifests that people have may use it. */
const schema = CORE_SCHEMA.withTags(mergeTag);

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
  const parser = new ManifestParser(options);
  if (bytes.byteLength > manifestBounds.fileBytes) {
    parser.problems.refuse(
      "over-limit",
      "",
      `the file has ${bytes.byteLength} bytes and is not read`,
      `split it into files of at most ${manifestBounds.fileBytes} bytes`,
    );
    return parser.manifest();
  }
  const text = decodeText(bytes);
  if (text === null) {
    parser.problems.refuse("not-utf8", "", "the file is not UTF-8 text and is not read", "save it as UTF-8");
    return parser.manifest();
  }
  const known = new Map<string, number>();
  for (const { ref } of options.lastGood) known.set(ref.kind, (known.get(ref.kind) ?? 0) + 1);
  const isJson = /^(?:.*\.json|-)$/is.test(options.file) && /^\s*[{[]/.test(text);
  for (const document of isJson ? splitJson(text, manifestBounds.documentBytes) : splitDocuments(text)) {
    if (!parser.counts(document)) break;
    const [refused, read] = [parser.problems.refused, parser.objects.objects.length];
    if (!fits(document.text)) yield* parser.long(document);
    else if (isJson) parser.json(document);
    else parser.yaml(document);
    if (parser.problems.refused > refused) parser.objects.unread(document, read, known);
    yield;
  }
  return parser.manifest();
}

/** The objects of an earlier reading that are not among these: where a part could not be read, one of them is what broke. */
export function missingIn(objects: readonly StoredObject[], earlier: readonly StoredObject[]): readonly StoredObject[] {
  if (earlier.length === 0) return earlier;
  const keys = new Set(objects.map(({ ref }) => objectKey(ref)));
  return earlier.filter(({ ref }) => !keys.has(objectKey(ref)));
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function decodeText(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

/** The texts of one file, on their way to values. */
class ManifestParser {
  readonly problems: ManifestProblems;
  readonly objects: ManifestObjects;
  readonly #lastGood: readonly StoredObject[];
  #documents = 0;

  constructor({ file, defaultNamespace, lastGood }: ManifestOptions) {
    this.problems = new ManifestProblems(file);
    this.objects = new ManifestObjects(file, defaultNamespace, this.problems);
    this.#lastGood = lastGood;
  }

  manifest(): Manifest {
    const { objects, otherKinds, withoutNamespace } = this.objects;
    this.objects.refuseSlips(missingIn(objects, this.#lastGood));
    const { complete } = this.problems;
    return {
      objects,
      problems: this.problems.list(!complete && missingIn(objects, this.#lastGood).length > 0),
      complete,
      otherKinds,
      withoutNamespace,
    };
  }

  /** false: there are too many, and nothing is read from here on. */
  counts({ line }: ManifestDocument): boolean {
    this.#documents += 1;
    if (this.#documents <= manifestBounds.documents) return true;
    this.problems.refuse(
      "over-limit",
      position(line, 1),
      `the file has more than ${manifestBounds.documents} documents, and Sluice reads no further`,
      "split it into several files",
    );
    return false;
  }

  yaml(document: ManifestDocument): void {
    const place = { line: document.contentLine, items: "" };
    for (const value of this.#parsedYaml(document) ?? [])
      this.objects.take(value, place, null, itemLinesOf(value, document));
  }

  json(document: ManifestDocument): void {
    if (document.text.trim() === "") return;
    const value = this.#parsedJson(document, "the file is not valid JSON and is not read from here on");
    this.objects.take(value, { line: document.contentLine, items: "" }, null, itemLinesOf(value, document));
  }

  /** A document over the bound: a List is read item by item, anything else is refused. */
  *long(document: ManifestDocument): Work {
    const list = yield* cutList(document, manifestBounds.documents - this.#documents);
    if (list?.more === true) {
      this.problems.refuse(
        "over-limit",
        position(document.contentLine, 1),
        `the file has more than ${manifestBounds.documents} documents and items of Lists, so this List is not read`,
        "split it into several files",
      );
      return;
    }
    const listed = list === null || !fits(list.envelope) ? null : this.#listed(list, document);
    if (list === null || listed === null) {
      this.problems.refuse(
        "over-limit",
        position(document.line, 1),
        `the document has ${Buffer.byteLength(document.text)} bytes and is not read`,
        `the limit is ${manifestBounds.documentBytes} bytes (for a List, of each item), so put its objects into documents of their own`,
      );
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
    const value =
      notation === "json"
        ? this.#parsedJson(document, "the document is not valid JSON and is not read")
        : this.#parsedYaml(document)?.[0];
    return isRecord(value) ? listItemsOf(value["kind"], value["apiVersion"]) : null;
  }

  #item(item: ManifestDocument, notation: LongList["notation"], place: Place, listed: ListItems): void {
    if (!fits(item.text)) {
      this.problems.refuse(
        "over-limit",
        fieldAt(place),
        `the item has ${Buffer.byteLength(item.text)} bytes and is not read`,
        `the limit is ${manifestBounds.documentBytes} bytes, so split it`,
      );
    } else if (notation === "json") {
      this.objects.take(this.#parsedJson(item, "the item is not valid JSON and is not read"), place, listed);
    } else {
      const value = this.#parsedYaml(item)?.[0];
      if (Array.isArray(value)) this.objects.take(value[0], place, listed);
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
        this.problems.refuse(
          "template",
          template,
          "this is a template ({{ … }}) and is not read",
          "render it first, for example with helm template",
        );
        return null;
      }
      const line = document.line + (error.mark?.line ?? 0);
      this.problems.refuse(
        "bad-yaml",
        position(line, (error.mark?.column ?? 0) + 1),
        `the document is not valid YAML (${error.reason.slice(0, maxReason)}) and is not read`,
        "correct it",
      );
      return null;
    }
  }

  /** null: as above, or it is null. */
  #parsedJson({ text, line }: ManifestDocument, wrong: string): unknown {
    let value: unknown = null;
    let offset: number | null;
    try {
      value = JSON.parse(text);
      offset = repeatedKeyOffset(text);
    } catch {
      offset = jsonErrorOffset(text);
    }
    if (offset === null) return value;
    const before = text.slice(0, offset).split("\n");
    this.problems.refuse(
      "bad-json",
      position(line + before.length - 1, before.at(-1)!.length + 1),
      value === null ? wrong : `${wrong}, because a key is written twice there`,
      "correct it",
    );
    return null;
  }
}

/** Lines of the items of a List; []: it is none, or it is written in a way that nothing cuts (flow style, an alias). */
function itemLinesOf(value: unknown, document: ManifestDocument): readonly number[] {
  if (!isRecord(value) || !Array.isArray(value["items"])) return [];
  const list = finish(cutList(document, value["items"].length));
  return list?.items.length === value["items"].length ? list.items.map(({ contentLine }) => contentLine) : [];
}

function fits(text: string): boolean {
  return Buffer.byteLength(text) <= manifestBounds.documentBytes;
}
