// The packages that the packed form holds: which they are, and their licences, which ask to go where the code goes.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** A package whose code is in the packed form. */
export interface Bundled {
  /** Where it is installed, absolute. */
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license: string;
}

const licenceFile = /^(?:licen[cs]e|copying|notice)/i;

/** Packages that one of `modules` (absolute paths) is of, by folder. */
export async function bundledPackages(modules: readonly string[]): Promise<readonly Bundled[]> {
  const folders = new Set(
    modules.flatMap((path) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path)?.[0] ?? []),
  );
  return Promise.all(
    [...folders].sort().map(async (folder) => {
      const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Bundled;
      return { folder, name, version, license };
    }),
  );
}

/** One text: name, version and licence of each. */
export async function noticesOf(packages: readonly Bundled[]): Promise<string> {
  const notices = await Promise.all(packages.map(noticeOf));
  return notices.join(`\n${"-".repeat(80)}\n\n`);
}

async function noticeOf({ folder, name, version, license }: Bundled): Promise<string> {
  const files = (await readdir(folder)).filter((file) => licenceFile.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  return [`${name} ${version} (${license})`, ...texts.map((text) => text.trim())].join("\n\n") + "\n";
}
