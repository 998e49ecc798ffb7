// What objects say about who may call, where the policy does not know it or does not let them.
import type { DeclaredGuard } from "../../k8s/translate/deployments/guard.ts";
import type { Problem } from "../../routing/text/problem.ts";
import type { CallPolicy } from "./call-policy.ts";
import { admittanceOf } from "./effective.ts";

/** One for each object that nobody may call because of what it says. */
export function guardProblems(declared: Iterable<DeclaredGuard>, policy: CallPolicy): Problem[] {
  const problems: Problem[] = [];
  for (const { ref, guard, authField } of declared) {
    const admittance = admittanceOf(guard, ref.namespace, policy);
    if (admittance.kind !== "nobody" || admittance.since !== "object") continue;
    problems.push({
      code: "nobody-admitted",
      level: "error",
      subject: ref,
      field: authField,
      sentence: `${admittance.sentence}; where it shares a Route, the others get its share`,
    });
  }
  return problems;
}
