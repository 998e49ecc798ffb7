// Certificates of files: one pair that is the default, and folders of pairs. Read again when a folder says that something changed, and now and then.
import { maxSeeds, seedsOf } from "../../options/seeds.ts";
import { readFileSync, readdirSync, statSync, watch, type FSWatcher } from "node:fs";
import { basename, dirname, join } from "node:path";
import { plainTerms, type HostDeclaration } from "../../../routing/model/host-tls.ts";
import type { ObjectRef, Problem, ProblemCode } from "../../../routing/text/problem.ts";
import type { TlsSettings } from "../../options/settings.ts";

/** Longest file that is read. */
const mostFileBytes = 256 * 1024;
/** Entries of a folder that are looked at, with those of its folders. */
const mostEntries = 50_000;
/** Bytes of a seed of ticket keys, at least; lines of base64, one a seed, of which so many are read. */
/** A tool that replaces certificate and key has written both after this. */
const settleMs = 200;
/** Files that no watch tells of (another machine's) are looked at this often. */
const lookEveryMs = 30_000;

/** What files say. */
export interface FileReading {
  readonly declarations: readonly HostDeclaration[];
  readonly ticketSeeds: readonly Uint8Array[];
  readonly problems: readonly Problem[];
}

/** The content of a file, as long as the file is the same. */
interface KeptFile {
  readonly stamp: string;
  readonly text: string;
}

export class CertificateFiles {
  readonly #settings: TlsSettings;
  readonly #changed: () => void;
  #files = new Map<string, KeptFile>();
  #watchers: readonly FSWatcher[] = [];
  #watched = "";
  #settling: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;
  #seeds: readonly Uint8Array[] = [];

  /** `changed`: there may be something new to read. */
  constructor(settings: TlsSettings, changed: () => void) {
    this.#settings = settings;
    this.#changed = changed;
  }

  start(): void {
    this.#looking = setInterval(() => this.#changed(), lookEveryMs);
    this.#looking.unref();
  }

  stop(): void {
    for (const watcher of this.#watchers) watcher.close();
    if (this.#settling !== null) clearTimeout(this.#settling);
    if (this.#looking !== null) clearInterval(this.#looking);
  }

  /** Reads all that changed. The default pair is last: a folder has its hosts before. */
  read(): FileReading {
    const { folders, certFile, keyFile, ticketKeysFile } = this.#settings;
    const problems: Problem[] = [];
    const before = this.#files;
    this.#files = new Map();
    const folderNames: string[] = [];
    const declarations = folders.flatMap((folder) => this.#folder(folder, before, folderNames, problems));
    if (certFile !== null && keyFile !== null) {
      folderNames.push(dirname(certFile), dirname(keyFile));
      declarations.push(this.#declaration(basename(certFile), certFile, keyFile, ["*"], before));
    }
    if (ticketKeysFile !== null) {
      folderNames.push(dirname(ticketKeysFile));
      this.#readSeeds(ticketKeysFile, before, problems);
    }
    this.#watch(folderNames);
    return { declarations, ticketSeeds: this.#seeds, problems };
  }

  /** What the options name and nothing can be done with, as one sentence; null: nothing. Pairs in a folder are their writers' affair. */
  faultIn(problems: readonly Problem[]): string | null {
    const { certFile, keyFile, folders, ticketKeysFile } = this.#settings;
    const of = (name: string): Problem | undefined =>
      problems.find(({ subject, level }) => subject.kind === "File" && subject.name === name && level === "error");
    const pair = certFile === null ? undefined : of(basename(certFile));
    if (pair?.code === "bad-certificate")
      return `${certFile} and ${keyFile} cannot be used (${pair.sentence}): write --tls-cert and --tls-key with PEM files that belong together`;
    const folder = folders.find((one) => of(one)?.code === "unreadable-folder");
    if (folder !== undefined) return `--tls-certs ${folder} cannot be read: write a directory`;
    return ticketKeysFile !== null && of(basename(ticketKeysFile))?.code === "bad-ticket-keys"
      ? `--tls-ticket-keys ${ticketKeysFile} holds no keys: write lines as \`openssl rand -base64 48\` prints them`
      : null;
  }

  /** NAME.crt with NAME.key, and tls.crt with tls.key in folders of it. `default` has the clients that name no host, or none that is known. */
  #folder(
    folder: string,
    before: ReadonlyMap<string, KeptFile>,
    folderNames: string[],
    problems: Problem[],
  ): HostDeclaration[] {
    folderNames.push(folder);
    const declarations: HostDeclaration[] = [];
    let entries: readonly string[];
    try {
      entries = readdirSync(folder).toSorted();
    } catch (error) {
      problems.push(
        fileProblem(
          folder,
          "unreadable-folder",
          `the folder of certificates cannot be read (${codeOf(error)}), so its certificates are no longer served; make it readable`,
        ),
      );
      return [];
    }
    if (entries.length > mostEntries)
      problems.push(
        fileProblem(
          folder,
          "over-limit",
          `${mostEntries} entries are read at most, so some certificates are not served; remove some`,
        ),
      );
    const there = new Set(entries);
    for (const entry of entries.slice(0, mostEntries)) {
      if (entry.startsWith(".")) continue;
      if (entry.endsWith(".crt")) {
        const name = entry.slice(0, -4);
        declarations.push(
          this.#declaration(
            entry,
            join(folder, entry),
            join(folder, `${name}.key`),
            name === "default" ? ["*"] : null,
            before,
          ),
        );
      } else if (entry.endsWith(".key")) {
        if (!there.has(`${entry.slice(0, -4)}.crt`))
          problems.push(
            fileProblem(
              entry,
              "bad-certificate",
              `there is no ${entry.slice(0, -4)}.crt beside it, so it serves nothing; write the certificate, or remove it`,
            ),
          );
      } else if (isFolder(join(folder, entry))) {
        folderNames.push(join(folder, entry));
        const certFile = join(folder, entry, "tls.crt");
        if (stampOf(certFile) !== null)
          declarations.push(
            this.#declaration(
              `${entry}/tls.crt`,
              certFile,
              join(folder, entry, "tls.key"),
              entry === "default" ? ["*"] : null,
              before,
            ),
          );
      }
    }
    return declarations;
  }

  #declaration(
    name: string,
    certFile: string,
    keyFile: string,
    hosts: readonly string[] | null,
    before: ReadonlyMap<string, KeptFile>,
  ): HostDeclaration {
    const cert = this.#text(certFile, before);
    const key = this.#text(keyFile, before);
    const missing = typeof cert !== "string" ? cert.missing : typeof key !== "string" ? key.missing : null;
    const identity =
      missing === null ? { certPem: cert as string, keyPem: key as string } : { missing, level: "error" as const };
    return {
      name,
      subject: fileRef(name),
      field: "",
      hosts,
      identity,
      terms: plainTerms,
      clientName: "",
      cleartext: null,
    };
  }

  /** `missing` follows "the certificate". */
  #text(file: string, before: ReadonlyMap<string, KeptFile>): string | { readonly missing: string } {
    const stamp = stampOf(file);
    if (stamp === null) return { missing: `cannot be read: there is no file ${basename(file)}` };
    const known = before.get(file);
    if (known?.stamp === stamp) {
      this.#files.set(file, known);
      return known.text;
    }
    if (Number(stamp.slice(0, stamp.indexOf(" "))) > mostFileBytes)
      return { missing: `cannot be used: ${basename(file)} is longer than ${mostFileBytes / 1024} KiB` };
    try {
      const text = readFileSync(file, "utf8");
      this.#files.set(file, { stamp, text });
      return text;
    } catch (error) {
      return { missing: `cannot be read: ${basename(file)} (${codeOf(error)})` };
    }
  }

  #readSeeds(file: string, before: ReadonlyMap<string, KeptFile>, problems: Problem[]): void {
    const text = this.#text(file, before);
    const seeds = typeof text === "string" ? seedsOf(text) : null;
    if (seeds !== null) this.#seeds = seeds;
    else
      problems.push(
        fileProblem(
          basename(file),
          "bad-ticket-keys",
          `the file of ticket keys cannot be used, so ${this.#seeds.length === 0 ? "no TLS session continues at another replica" : "the keys from before stay"}; write 1 to ${maxSeeds} lines, each as \`openssl rand -base64 48\` prints it`,
        ),
      );
  }

  #watch(folders: readonly string[]): void {
    const names = [...new Set(folders)].toSorted().slice(0, mostEntries);
    const key = names.join("\n");
    if (key === this.#watched) return;
    this.#watched = key;
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = names.flatMap((folder) => {
      try {
        const watcher = watch(folder, { persistent: false }, () => this.#settle());
        watcher.on("error", () => undefined);
        return [watcher];
      } catch {
        // No watches left, or no such folder: it is looked at now and then.
        return [];
      }
    });
  }

  #settle(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = null;
      this.#changed();
    }, settleMs);
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Changes with the file; its size first. Null: there is none. */
function stampOf(file: string): string | null {
  try {
    const { size, mtimeMs, ino, ctimeMs } = statSync(file);
    return `${size} ${mtimeMs} ${ctimeMs} ${ino}`;
  } catch {
    return null;
  }
}

function fileRef(name: string): ObjectRef {
  return { kind: "File", namespace: "", name };
}

function fileProblem(name: string, code: ProblemCode, sentence: string): Problem {
  return { code, level: "error", subject: fileRef(name), field: "", sentence };
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown";
}
