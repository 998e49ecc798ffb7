// Translating: k8s/translate's Translator, as the control worker uses it.
import type { Problem } from "../../routing/text/problem.ts";
import type { SourceChange } from "../../k8s/source/objects/source.ts";
import type { ReleaseRecord } from "../../k8s/translate/model/release.ts";
import type { OAuthExposuresChange } from "../../k8s/translate/claims/oauth-keys.ts";
import type { ObjectEdits } from "../../k8s/translate/model/edit.ts";
import type { Translation, TranslationChange } from "../../k8s/translate/model/translation.ts";

export interface Translating {
  /** Takes a change of the Snapshot and says what it changed in the Translation. */
  apply(change: SourceChange): TranslationChange;
  current(): Translation;
  /** The record of releases says this now. */
  setReleases(record: ReleaseRecord): TranslationChange;
  /** All Problems, in no order, with pauses. */
  gatherProblems(): Generator<void, readonly Problem[]>;
  /** What changed in the clients of the OAuth gateway since the last call. */
  drainOAuth(): OAuthExposuresChange;
  /** What objects say otherwise than before the last call. */
  drainEdits(): ObjectEdits;
  /** Stacks of bugs that objects met since the last call. */
  drainFaults(): readonly string[];
}
