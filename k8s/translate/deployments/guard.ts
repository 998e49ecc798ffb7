// What the annotations of an object say about who may call it: SeldonDeployments with and without documents of their own, Mapping objects, Services.
import { mostOwnersBlocks, parseBlocks } from "../../../routing/text/address-block.ts";
import { parseAuth, plainGuard, type Auth, type Guard } from "../../../routing/model/guard.ts";
import type { ObjectRef, Problem, ProblemCode } from "../../../routing/text/problem.ts";
import { limitWords, parseLimits } from "../../../routing/model/rate-limit.ts";
import { annotationOf, guardAnnotations, keys, type WrittenAnnotation } from "../fields/annotations.ts";
import { nearAnnotation } from "../fields/deployment-fields.ts";
import type { DeploymentAnnotations } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { annotationsOf, fieldOf, isRecord, quoted, recordOf } from "../values/value.ts";

export interface DecodedGuard {
  readonly guard: Guard;
  /** false: something of it cannot be read, and nobody may call. */
  readonly readable: boolean;
}

/** An object that says who may call. */
export interface DeclaredGuard {
  readonly ref: ObjectRef;
  readonly guard: Guard;
  /** Where it names providers. */
  readonly authField: string;
}

export const authWords = "names of providers with commas between them, or none";
export const addressWords = "addresses and blocks with commas between them, for example 10.0.0.0/8, 2001:db8::/32";

/** `granted`: a Grant lets the namespace be called by anybody. What cannot be read is an error. */
export function decodeGuard(annotations: DeploymentAnnotations, granted: boolean, report: Report): DecodedGuard {
  let readable = true;
  const refuse = (code: ProblemCode, { text, field }: WrittenAnnotation, wrong: string, write: string): null => {
    readable = false;
    report("error", code, field, `${quoted(text)} ${wrong}, so nobody may; write ${write}`);
    return null;
  };
  const said = <T>(key: string, read: (written: WrittenAnnotation) => T | null): T | null => {
    const written = annotationOf(annotations, key);
    return written === null ? null : read(written);
  };
  const blocks = (written: WrittenAnnotation): readonly string[] | null => {
    const parsed = parseBlocks(written.text, mostOwnersBlocks);
    return parsed.kind === "blocks"
      ? parsed.blocks
      : refuse("bad-addresses", written, `does not say who may call (it ${parsed.reason})`, addressWords);
  };
  const auth = said<Auth>(keys.auth, (written) => {
    const parsed = parseAuth(written.text);
    return parsed === null
      ? refuse("bad-auth", written, "does not say who may call", authWords)
      : parsed.kind === "open"
        ? { kind: "open", granted }
        : parsed;
  });
  const [allow, deny] = [said(keys.allow, blocks), said(keys.deny, blocks)];
  const limits = said(keys.rateLimit, (written) => {
    const parsed = parseLimits(written.text);
    return parsed.kind === "limits"
      ? parsed.limits
      : refuse("bad-rate-limit", written, `does not say how much may come (${parsed.reason})`, limitWords);
  });
  return {
    guard:
      auth === null && allow === null && deny === null && limits === null ? plainGuard : { auth, allow, deny, limits },
    readable,
  };
}

/** Of an object of which no other annotation is read: what seems to be one of these and is not closes it, too. */
export function decodeLoneGuard(annotations: DeploymentAnnotations, granted: boolean, report: Report): DecodedGuard {
  const decoded = decodeGuard(annotations, granted, report);
  let { readable } = decoded;
  for (const [place, texts] of [
    ["spec", annotations.spec],
    ["metadata", annotations.metadata],
  ] as const) {
    for (const key in texts) {
      if (guardAnnotations.has(key)) continue;
      const near = nearAnnotation(key, guardAnnotations);
      if (near === null) {
        if (key.startsWith("sluice.io/"))
          report(
            "warning",
            "unknown-annotation",
            `${place}.annotations["${key.slice(0, 120)}"]`,
            "this annotation is not known and is ignored; correct its spelling or remove it",
          );
        continue;
      }
      if (annotationOf(annotations, near) !== null) continue;
      readable = false;
      report(
        "error",
        "unknown-annotation",
        `${place}.annotations["${key.slice(0, 120)}"]`,
        `this annotation is not known, and what it seems to mean decides who may call, or how much, so nobody may; write ${near}, or remove it`,
      );
    }
  }
  return { guard: decoded.guard, readable };
}

/** Of an object with documents that is no SeldonDeployment. `hadGuard`: it said who may call before. */
export function decodeObjectGuard(
  ref: ObjectRef,
  object: unknown,
  granted: boolean,
  hadGuard: boolean,
): { readonly guard: DecodedGuard; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (level, code, field, sentence) =>
    problems.push({ code, level, subject: ref, field, sentence });
  const written = fieldOf(recordOf(fieldOf(recordOf(object), "metadata")), "annotations");
  const annotations = written ?? {};
  const guard = decodeLoneGuard({ spec: {}, metadata: annotationsOf(annotations) }, granted, report);
  if (written === null && !hadGuard)
    report(
      "warning",
      "empty-field",
      "metadata.annotations",
      "it has no value and counts as not written; write its annotations, or remove it",
    );
  if (isRecord(annotations) && !(written === null && hadGuard)) return { guard, problems };
  report(
    "error",
    "bad-annotations",
    "metadata.annotations",
    `${quoted(written)} is not a map, and it may be lost with it who may call, so nobody may; write names and texts`,
  );
  return { guard: { ...guard, readable: false }, problems };
}
