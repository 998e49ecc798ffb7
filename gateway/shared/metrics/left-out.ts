// Why pairs of answers of compared shadows are left out of the sample.

/** Why a pair is not in the sample, in the words of the metric and of people. */
export const leftOutWords = {
  rate: "more than 20 pairs a second of one shadow, or 500 in all, came",
  too_large: "an answer has more than 256 KiB",
  memory: "answers that wait for the other one of their pair take all their room",
  hand_over: "the control worker took no more of them",
  incomplete: "the primary gave no whole answer",
  rules: "other rules hold by now",
} as const;

export type LeftOut = keyof typeof leftOutWords;
