// Reads a policy file.
import { readFile } from 'node:fs/promises';
import { completePolicy, decodePolicyFile } from './policy-file.ts';
import type { PolicyDeclaration } from './policy-file.ts';
import { noPolicy } from './call-policy.ts';
import type { CallPolicy } from './call-policy.ts';

export type PolicyRead =
  | { readonly kind: 'read'; readonly text: string; readonly policy: PolicyDeclaration }
  /** One sentence for people. */
  | { readonly kind: 'failed'; readonly sentence: string };

export async function readPolicy(file: string): Promise<PolicyRead> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return { kind: 'failed', sentence: `the policy file ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}): write --policy FILE with a readable file` };
  }
  const outcome = decodePolicyFile(text);
  return outcome.kind === 'wrong' ? { kind: 'failed', sentence: `the policy file ${file}: ${outcome.sentences.join('; ')}` } : { kind: 'read', text, policy: outcome.policy };
}

/** The policy without its keys, for tools that say who may call and call nobody; a sentence when it cannot be read. `file` null: there is none. */
export async function policyWithoutKeys(file: string | null): Promise<CallPolicy | string> {
  if (file === null) return noPolicy;
  const read = await readPolicy(file);
  return read.kind === 'failed' ? read.sentence : completePolicy(read.policy, () => null, () => undefined);
}
