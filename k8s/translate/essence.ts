// Essence: an object without the parts that routing never reads, so that a Source need not keep them: most of a SeldonDeployment is pods.
import { arrayOf, isRecord, recordOf, type UnknownRecord } from './value.ts';

/** kubectl writes the whole object into it once more. */
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Decoding gives the same for an object and its essence. What has an unexpected shape stays as it is, so that decoding can say so. */
export function essenceOf(kind: string, object: UnknownRecord): UnknownRecord {
  const { status: _status, ...rest } = object;
  return { ...rest, ...recordIn(rest, 'metadata', metadataEssence), ...(kind === 'SeldonDeployment' ? recordIn(rest, 'spec', specEssence) : {}) };
}

function metadataEssence(metadata: UnknownRecord): UnknownRecord {
  const { managedFields: _managed, ...rest } = metadata;
  return { ...rest, ...recordIn(rest, 'annotations', ({ [lastApplied]: _applied, ...annotations }) => annotations) };
}

function specEssence(spec: UnknownRecord): UnknownRecord {
  return { ...spec, ...listIn(spec, 'predictors', predictorEssence) };
}

function predictorEssence(predictor: UnknownRecord): UnknownRecord {
  return { ...predictor, ...listIn(predictor, 'componentSpecs', podEssence), ...recordIn(predictor, 'componentSpec', podEssence) };
}

/** Of pods the names and ports of their containers count: ports of predictors without an engine follow from them. */
function podEssence(pod: UnknownRecord): UnknownRecord {
  const containers = arrayOf(recordOf(pod['spec'])['containers']).map((value) => {
    const { name, ports } = recordOf(value);
    return { name, ports };
  });
  return { spec: { containers } };
}

/** The named part of a record, changed; nothing when it is no record. */
function recordIn(record: UnknownRecord, name: string, change: (part: UnknownRecord) => UnknownRecord): UnknownRecord {
  const part = record[name];
  return isRecord(part) ? { [name]: change(part) } : {};
}

/** The named list of a record with its records changed; nothing when it is no list. */
function listIn(record: UnknownRecord, name: string, change: (item: UnknownRecord) => UnknownRecord): UnknownRecord {
  const list = record[name];
  return Array.isArray(list) ? { [name]: list.map((item: unknown) => (isRecord(item) ? change(item) : item)) } : {};
}
