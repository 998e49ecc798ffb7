// Which build of Sluice runs. The packed form has another file in this place (gateway/packing/pack.ts): it says what was packed.
import description from "../../package.json" with { type: "json" };

export interface Build {
  /** As package.json has it: `0.1.0`. */
  readonly version: string;
  /** As `gateway/packing/commit.ts:commitOf` gives it. null: not known. */
  readonly commit: string | null;
  /** Digest of the packed code, 16 hexadecimal digits. null: these are the sources. */
  readonly digest: string | null;
}

export const build: Build = { version: description.version, commit: null, digest: null };
