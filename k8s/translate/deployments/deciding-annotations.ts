// Deciding annotations: those that say which requests reach a SeldonDeployment, or how many. When one becomes unreadable its last good text stays.
import type { ProblemCode } from "../../../routing/text/problem.ts";
import { mostOwnersBlocks, parseBlocks } from "../../../routing/text/address-block.ts";
import { parseAuth } from "../../../routing/model/guard.ts";
import { limitWords, parseLimits } from "../../../routing/model/rate-limit.ts";
import {
  annotationOf,
  guardAnnotations,
  isExternalName,
  isWeight,
  keys,
  parseIds,
  type WrittenAnnotation,
} from "../fields/annotations.ts";
import type { Deployment, DeploymentAnnotations } from "../model/deployment.ts";
import { addressWords, authWords } from "./guard.ts";
import { parseHeaders, parseRegexHeaders } from "./header-grammar.ts";
import { exampleTraffic, parseTraffic } from "./traffic-text.ts";
import { notText, quoted } from "../values/value.ts";

interface Deciding {
  readonly code: ProblemCode;
  /** What it should be, for people. */
  readonly write: (deployment: Deployment) => string;
  /** Of a text that is not empty. */
  readonly isReadable: (text: string, deployment: Deployment) => boolean;
}

const conditions = (): string => '"name: value", one a line';

/** `seldon.io/ambassador-config` is not here: its documents have last good forms of their own. */
const deciding: ReadonlyMap<string, Deciding> = new Map<string, Deciding>([
  [
    keys.id,
    {
      code: "bad-ambassador-id",
      write: () => "an id, or several with commas between them",
      isReadable: (text) => text !== notText && parseIds(text).length > 0,
    },
  ],
  [keys.header, { code: "bad-header", write: conditions, isReadable: (text) => parseHeaders(text).wrong.length === 0 }],
  [
    keys.regexHeader,
    { code: "bad-header", write: conditions, isReadable: (text) => parseRegexHeaders(text).wrong.length === 0 },
  ],
  [
    keys.serviceName,
    {
      code: "bad-service-name",
      write: () => 'letters, digits, "-", "." and "/" between names',
      isReadable: isExternalName,
    },
  ],
  [keys.weight, { code: "bad-weight", write: () => "a percentage from 0 to 100", isReadable: isWeight }],
  [
    keys.shadow,
    { code: "bad-shadow", write: () => "true or false, in quotes", isReadable: (text) => text !== notText },
  ],
  [
    keys.traffic,
    {
      code: "bad-traffic",
      write: ({ predictors }) => `for example ${exampleTraffic(predictors)}`,
      isReadable: (text, { predictors }) => parseTraffic(text, predictors).kind === "shares",
    },
  ],
  ...[keys.allow, keys.deny].map((key): [string, Deciding] => [
    key,
    {
      code: "bad-addresses",
      write: () => addressWords,
      isReadable: (text) => parseBlocks(text, mostOwnersBlocks).kind === "blocks",
    },
  ]),
  [
    keys.rateLimit,
    { code: "bad-rate-limit", write: () => limitWords, isReadable: (text) => parseLimits(text).kind === "limits" },
  ],
  [keys.auth, { code: "bad-auth", write: () => authWords, isReadable: (text) => parseAuth(text) !== null }],
]);

type Report = (level: "error", code: ProblemCode, field: string, sentence: string) => void;

/**
 * The Deployment with the last good text of each deciding annotation that cannot be read now; none counts where there was none. Where there is
 * no last good form the text stays: whoever reads it does not serve it. null: whose it is cannot be read.
 */
export function keepLastGood(deployment: Deployment, lastGood: Deployment | null, report: Report): Deployment | null {
  const unreadable = [...deciding].filter(
    ([key, one]) => !isGood(key, one, deployment) || (lastGood !== null && isEmptied(key, deployment, lastGood)),
  );
  if (unreadable.length === 0) return deployment;
  // One that was not served before has no last good form. With a `sluice.io/traffic` that could not be read it was, as the spec says.
  const good =
    lastGood !== null && [...deciding].every(([key, one]) => key === keys.traffic || isGood(key, one, lastGood))
      ? lastGood
      : null;
  let { annotations } = deployment;
  for (const [key, one] of unreadable) {
    const written = annotationOf(deployment.annotations, key)!;
    const before = good === null ? null : annotationOf(good.annotations, key);
    if (good === null || (before !== null && before.text !== "" && !one.isReadable(before.text, deployment))) {
      if (key !== keys.id) continue;
      report(
        "error",
        one.code,
        written.field,
        `${quoted(written.text)} names no gateway, so the SeldonDeployment is not served; write ${one.write(deployment)}`,
      );
      return null;
    }
    annotations = replaced(annotations, key, before);
    const kept =
      before === null
        ? "and counts as not written, as before"
        : `and ${quoted(before.text)}, which was there before, stays`;
    report(
      "error",
      one.code,
      written.field,
      `${quoted(written.text)} cannot be read ${kept}; write ${one.write(deployment)}`,
    );
  }
  return { ...deployment, annotations };
}

/** It has no text any more, and said something. */
function isEmptied(key: string, deployment: Deployment, lastGood: Deployment): boolean {
  return (
    annotationOf(deployment.annotations, key)?.text === "" &&
    (annotationOf(lastGood.annotations, key)?.text ?? "") !== ""
  );
}

function isGood(key: string, { isReadable }: Deciding, deployment: Deployment): boolean {
  const written = annotationOf(deployment.annotations, key);
  return (
    written === null || (written.text === "" && !guardAnnotations.has(key)) || isReadable(written.text, deployment)
  );
}

function replaced(
  { spec, metadata }: DeploymentAnnotations,
  key: string,
  before: WrittenAnnotation | null,
): DeploymentAnnotations {
  const inSpec = before?.field.startsWith("spec.") === true;
  return {
    spec: withText(spec, key, inSpec ? before.text : null),
    metadata: withText(metadata, key, before !== null && !inSpec ? before.text : null),
  };
}

function withText(
  texts: Readonly<Record<string, string>>,
  key: string,
  text: string | null,
): Readonly<Record<string, string>> {
  const { [key]: _, ...others } = texts;
  return text === null ? others : { ...others, [key]: text };
}
