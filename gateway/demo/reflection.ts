// The descriptions by which the model server answers reflection. What the loader says of .proto files is not what protoc says: it names the
// entries of maps without their suffix and no file that another one needs, which tools in Go (grpcurl 1.9) refuse, and no names for JSON. So it is
// mended here.
import { loadSync, type MessageTypeDefinition, type PackageDefinition } from "@grpc/proto-loader";

// As much of google/protobuf/descriptor.proto as is mended.
interface Field {
  readonly name: string;
  jsonName?: string;
  typeName?: string;
}

interface Message {
  name: string;
  readonly field?: readonly Field[];
  readonly nestedType?: readonly Message[];
  readonly options?: { readonly mapEntry?: boolean };
}

interface File {
  readonly name: string;
  readonly package: string;
  dependency?: readonly string[];
  readonly messageType?: readonly Message[];
}

const fileType = loadSync("google/protobuf/descriptor.proto", { keepCase: true })[
  "google.protobuf.FileDescriptorProto"
] as MessageTypeDefinition<object, object>;

/** The same messages and services as one definition whose files tools accept. */
export function describable(protocols: PackageDefinition): PackageDefinition {
  const [any] = Object.values(protocols).filter(isMessage);
  const encoded = Object.values(protocols)
    .filter(isMessage)
    .flatMap(({ fileDescriptorProtos }) => fileDescriptorProtos);
  const files = [
    ...new Map(encoded.map((bytes) => fileType.deserialize(bytes) as File).map((file) => [file.name, file])).values(),
  ];
  for (const file of files) {
    const messages = withNested(file.messageType ?? []);
    messages.forEach(nameMapEntries);
    const fields = messages.flatMap(({ field }) => field ?? []);
    for (const field of fields)
      field.jsonName = field.name.replace(/_(.)/gu, (_, letter: string) => letter.toUpperCase());
    const uses = fields.map(({ typeName }) => typeName ?? "");
    file.dependency = files
      .filter((other) => other !== file && uses.some((name) => name.startsWith(`${other.package}.`)))
      .map(({ name }) => name);
  }
  return { files: { ...any!, fileDescriptorProtos: files.map((file) => fileType.serialize(file)) } };
}

function isMessage(definition: PackageDefinition[string]): definition is MessageTypeDefinition<object, object> {
  return "fileDescriptorProtos" in definition;
}

function withNested(messages: readonly Message[]): readonly Message[] {
  return messages.flatMap((message) => [message, ...withNested(message.nestedType ?? [])]);
}

/** The entry of `map<K, V> tags` is TagsEntry (descriptor.proto, MessageOptions.map_entry). */
function nameMapEntries({ field, nestedType }: Message): void {
  for (const entry of nestedType ?? []) {
    if (entry.options?.mapEntry !== true) continue;
    const given = entry.name;
    entry.name = `${given}Entry`;
    for (const one of field ?? []) if (one.typeName === given) one.typeName = entry.name;
  }
}
