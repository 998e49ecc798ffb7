// Stray fields: what stands outside spec, or in metadata, where Kubernetes has no such field: a slip of the indentation, or a misspelt key. They
// would be ignored in silence, and a condition with them.
import { annotationKinds, mappingFields, type FieldKind } from './field-kinds.ts';
import { nearWord } from './near-word.ts';
import { isRecord, recordOf, type UnknownRecord } from './value.ts';

const objectFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
const metadataFields: ReadonlySet<string> = new Set(['name', 'generateName', 'namespace', 'selfLink', 'uid', 'resourceVersion', 'generation', 'creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds', 'labels', 'annotations', 'ownerReferences', 'finalizers', 'managedFields', 'clusterName']);

/** Stray fields that are told of one object. */
const mostTold = 8;

export interface StrayField {
  readonly field: string;
  /** What to write. */
  readonly write: string;
  /** Ignored, it would change who gets requests. */
  readonly decides: boolean;
}

/** Of a Mapping object: fields of its spec that stand beside it or in metadata, and keys that no object has. */
export function strayMappingFields(object: UnknownRecord): readonly StrayField[] {
  const spec = recordOf(object['spec']);
  return stray(object, (key, place) => {
    const near = nearWord(key, Object.keys(mappingFields));
    if (near === null || (place === 'metadata' && near !== key)) return null;
    return { field: fieldAt(place, key), write: `write spec.${near}`, decides: decides(mappingFields[near]!) && !Object.hasOwn(spec, near) };
  });
}

/** Of a SeldonDeployment: deciding annotations that are not in `annotations`, and keys that no object has. */
export function strayDeploymentFields(object: UnknownRecord): readonly StrayField[] {
  const [spec, metadata] = [recordOf(object['spec']), recordOf(object['metadata'])];
  const written = [spec['annotations'], metadata['annotations']].filter(isRecord);
  const isLost = (key: string): boolean => Object.hasOwn(annotationKinds, key) && decides(annotationKinds[key]!) && !written.some((annotations) => Object.hasOwn(annotations, key));
  const lost: StrayField[] = [];
  for (const [place, record] of [['', object], ['metadata', metadata], ['spec', spec]] as const) {
    for (const [key, value] of Object.entries(record)) {
      if (isLost(key)) lost.push({ field: fieldAt(place, key), write: `write it in ${place === 'spec' ? 'spec' : 'metadata'}.annotations`, decides: true });
      if (key === 'annotations' ? place !== '' : !isRecord(value) || (place === '' && objectFields.has(key))) continue;
      if (!isRecord(value)) continue;
      const inner = Object.keys(value).find(isLost);
      if (inner !== undefined) lost.push({ field: `${fieldAt(place, key)}["${inner}"]`, write: `write it in ${place === 'spec' ? 'spec' : 'metadata'}.annotations`, decides: true });
    }
  }
  for (const [place, annotations] of [['spec', spec['annotations']], ['metadata', metadata['annotations']]] as const) {
    if (!isRecord(annotations) || !Object.hasOwn(annotations, 'seldon.io/ambassador-config')) continue;
    // A line of the configuration that is indented as the annotations are.
    for (const key of Object.keys(annotations)) {
      if (Object.hasOwn(mappingFields, key) && decides(mappingFields[key]!)) lost.push({ field: `${place}.annotations["${key}"]`, write: 'indent it as the other lines of seldon.io/ambassador-config', decides: true });
    }
  }
  const told = new Set(lost.map(({ field }) => field));
  return [...lost.slice(0, mostTold), ...stray(object, () => null).filter(({ field }) => !told.has(field) && !lost.some((one) => one.field.startsWith(`${field}[`)))];
}

function stray(object: UnknownRecord, ofSpec: (key: string, place: '' | 'metadata') => StrayField | null): readonly StrayField[] {
  const found: StrayField[] = [];
  for (const [place, record, known] of [['', object, objectFields], ['metadata', recordOf(object['metadata']), metadataFields]] as const) {
    for (const key of Object.keys(record)) {
      if (known.has(key)) continue;
      if (found.length === mostTold) return found;
      const near = nearWord(key, known);
      found.push(ofSpec(key, place) ?? { field: fieldAt(place, key), write: near === null ? 'correct its indentation or remove it' : `write ${near}, or remove it`, decides: false });
    }
  }
  return found;
}

function decides(kind: FieldKind): boolean {
  return kind !== 'how';
}

function fieldAt(place: string, key: string): string {
  return `${place === '' ? '' : `${place}.`}${key.slice(0, 120)}`;
}

/** The sentence for one; `outcome`: what becomes of the object where it decides. */
export function straySentence({ write, decides: isDeciding }: StrayField, outcome: string): string {
  return isDeciding ? `this is not read here, and what it seems to mean decides which requests come here, so ${outcome}; ${write}` : `this is not read here and is ignored; ${write}`;
}
