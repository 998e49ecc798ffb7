// Evidence about a share, right however often one looks: mixtures of likelihood ratios.
//
// Of a share that is at most `bound`, the likelihood ratio of any larger share against `bound` is a supermartingale, and so is an average of several. By Ville's inequality the chance
// that it ever reaches 1/alpha, over all looks together, is at most alpha. So `logEvidence… ≥ ln(1/alpha)` may be asked after every request. It needs no independence: each request
// may fail with another chance, as long as none is above the bound. Alternatives stand at fixed odds instead of a continuous prior: one short sum, exact at every count.

/** How many times the odds of the bound each alternative has; all weigh alike, which costs ln 8 of evidence. */
const alternativeOdds = [1.3, 1.7, 2.5, 4, 8, 20, 100, 1000];

/**
 * Natural logarithm of the evidence that more than `bound` of all are hits, after `hits` of `total`. At or below 0: none. A bound of 1 or more is never passed, and of one of 0 or
 * less any hit is proof (Infinity).
 */
export function logEvidenceAbove(hits: number, total: number, bound: number): number {
  return logEvidence(hits, total, bound);
}

/** The same that fewer than `bound` of all are hits. */
export function logEvidenceBelow(hits: number, total: number, bound: number): number {
  return logEvidence(total - hits, total, 1 - bound);
}

/**
 * Evidence that hits are more than `times` as frequent in the first arm as in the second, at the same time. Of all hits that both have, each is one of the first arm's with a chance of
 * at most q = times·n₁ / (times·n₁ + n₂) if the bound holds, whatever the rate is and however it changes (hits are rare, or the arms' rates alike: Poisson's approximation; for frequent
 * hits it errs to the safe side). So it is `logEvidenceAbove` of a share of hits. n₁ is counted one higher, so that chance in the first few requests is no evidence.
 */
export function logEvidenceOfRatio(
  first: { readonly hits: number; readonly total: number },
  second: { readonly hits: number; readonly total: number },
  times: number,
): number {
  const exposure = times * (first.total + 1);
  return second.total <= 0
    ? 0
    : logEvidenceAbove(first.hits, first.hits + second.hits, exposure / (exposure + second.total));
}

function logEvidence(hits: number, total: number, bound: number): number {
  if (!(total > 0) || bound >= 1) return 0;
  if (bound <= 0) return hits > 0 ? Infinity : 0;
  let highest = -Infinity;
  const logs = alternativeOdds.map((odds) => {
    // With p = odds·b/(1−b+odds·b): p/b = odds/(1−b+odds·b), and (1−p)/(1−b) = 1/(1−b+odds·b).
    const log = hits * Math.log(odds) - total * Math.log1p(bound * (odds - 1));
    highest = Math.max(highest, log);
    return log;
  });
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - highest);
  return highest + Math.log(sum / logs.length);
}
