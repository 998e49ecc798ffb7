// What the files of this repository should be: each page with its generated parts, and each generated file.
import { generatedFiles, generatedParts } from "./all.ts";
import { withPart, type GeneratedFile, type GeneratedPart } from "./generated.ts";

/**
 * Text by path of all that is made here. `read`: the file as it is.
 * @throws where a page lacks the marks of a part
 */
export function madeTexts(
  read: (path: string) => string,
  parts: readonly GeneratedPart[] = generatedParts,
  files: readonly GeneratedFile[] = generatedFiles,
): ReadonlyMap<string, string> {
  const made = new Map<string, string>();
  for (const part of parts) {
    const page = withPart(made.get(part.page) ?? read(part.page), part);
    if (page === null) throw new Error(`${part.page} needs the marks of "${part.name}", once`);
    made.set(part.page, page);
  }
  for (const { file, text } of files) made.set(file, text());
  return made;
}
