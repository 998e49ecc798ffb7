// google.protobuf.ListValue (google/protobuf/struct.proto), in which Seldon's messages carry `ndarray`: tables of numbers.
import { describe, describeFile, mapEntry, one, repeated, type } from './descriptors.ts';
import type { DescribedFile } from './descriptors.ts';
import { bytes, double, message, number, readMessage } from './protobuf.ts';

const list = { values: 1 } as const;
const value = { null: 1, number: 2, string: 3, bool: 4, struct: 5, list: 6 } as const;

/** The fields of a ListValue with these rows. */
export function listOf(rows: readonly (readonly number[])[]): readonly Buffer[] {
  return rows.map((row) => message(list.values, message(value.list, ...row.map((item) => message(list.values, double(value.number, item))))));
}

/** The rows of a ListValue of lists of numbers; null: it is something else. */
export function rowsOf(given: Buffer): readonly (readonly number[])[] | null {
  const rows = valuesOf(given)?.map((row) => (row.number === value.list && Buffer.isBuffer(row.value) ? numbersOf(row.value) : null));
  return rows === undefined || rows.includes(null) ? null : (rows as (readonly number[])[]);
}

function numbersOf(given: Buffer): readonly number[] | null {
  const numbers = valuesOf(given)?.map((item) => (item.number === value.number && Buffer.isBuffer(item.value) && item.value.length === 8 ? item.value.readDoubleLE() : Number.NaN));
  return numbers === undefined || numbers.includes(Number.NaN) ? null : numbers;
}

/** What each Value of a ListValue holds; undefined: it is none. */
function valuesOf(given: Buffer): { readonly number: number; readonly value: number | Buffer }[] | undefined {
  return readMessage(given)?.map((item) => (Buffer.isBuffer(item.value) ? readMessage(item.value)?.at(-1) : undefined) ?? { number: 0, value: 0 });
}

const own = '.google.protobuf.';
/** All fields of a Value belong to its one choice. */
const ofKind = number(9, 0);
const nullValue = message(5, bytes(1, 'NullValue'), message(2, bytes(1, 'NULL_VALUE'), number(2, 0)));

export const structFile: DescribedFile = {
  name: 'google/protobuf/struct.proto',
  prefix: 'google.protobuf.',
  services: [],
  descriptor: describeFile(
    'google/protobuf/struct.proto',
    'google.protobuf',
    [],
    describe('Struct', repeated('fields', 1, type.message, `${own}Struct.FieldsEntry`), mapEntry('FieldsEntry', one('value', 2, type.message, `${own}Value`))),
    describe(
      'Value',
      one('null_value', value.null, type.enum, `${own}NullValue`, ofKind),
      one('number_value', value.number, type.double, '', ofKind),
      one('string_value', value.string, type.string, '', ofKind),
      one('bool_value', value.bool, type.bool, '', ofKind),
      one('struct_value', value.struct, type.message, `${own}Struct`, ofKind),
      one('list_value', value.list, type.message, `${own}ListValue`, ofKind),
      message(8, bytes(1, 'kind')),
    ),
    describe('ListValue', repeated('values', list.values, type.message, `${own}Value`)),
    nullValue,
  ),
};
