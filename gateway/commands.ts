// Every command: its name, what it does, and where its declaration is. Imports are lazy, so that a command loads what it needs and nothing else.
import type { CredentialLook } from "./callers/shown.ts";
import type { NamedCommand } from "./options/command.ts";

/** `openLook`: opens the checks of credentials, for `explain`. */
export function commandsOf(openLook: () => Promise<CredentialLook>): readonly NamedCommand[] {
  const commands: readonly NamedCommand[] = [
    {
      name: "serve",
      summary: "serve the models of a cluster or of a folder of manifests",
      load: async () => (await import("./supervisor/serve.ts")).serve,
    },
    {
      name: "demo",
      summary: "start model servers and a gateway, and send requests through it; in a checkout only",
      load: async () => (await import("./tools/demo.ts")).demo,
    },
    {
      name: "status",
      summary: "say whether a running gateway is well, and what is wrong first",
      load: async () => (await import("./tools/status/status.ts")).status,
    },
    {
      name: "init",
      summary: "write a folder of manifests to begin with",
      load: async () => (await import("./tools/init.ts")).init,
    },
    {
      name: "model",
      summary: "start a model server on this machine, to have one",
      load: async () => (await import("./tools/model.ts")).model,
    },
    {
      name: "top",
      summary: "show the deployments of a running gateway by failures, rate or p99, live",
      load: async () => (await import("./tools/live/top.ts")).top,
    },
    {
      name: "watch",
      summary: "show the split of a deployment as it moves",
      load: async () => (await import("./tools/live/watch.ts")).watch,
    },
    {
      name: "rollout",
      summary: "show how far rollouts and bandits have come, and what they wait for",
      load: async () => (await import("./tools/releases/rollout.ts")).rollout,
    },
    {
      name: "check",
      summary: "print the Problems of manifests",
      load: async () => (await import("./tools/check/check.ts")).check,
    },
    {
      name: "diff",
      summary: "show which requests would go elsewhere between two folders, or a cluster and a folder",
      load: async () => (await import("./tools/diff/diff.ts")).diff,
    },
    {
      name: "parity",
      summary: "send harmless requests to two gateways and show where their answers differ",
      load: async () => (await import("./tools/parity/parity.ts")).parity,
    },
    {
      name: "routes",
      summary: "print the routing table of manifests or of a running gateway",
      load: async () => (await import("./tools/routes.ts")).routes,
    },
    {
      name: "explain",
      summary: "show where one request goes, and why",
      load: async () => (await import("./tools/explain.ts")).explainCommand(openLook),
    },
    {
      name: "who",
      summary: "show who may call each deployment, and which object says so",
      load: async () => (await import("./tools/who.ts")).who,
    },
    {
      name: "problems",
      summary: "print the Problems of a running gateway",
      load: async () => (await import("./tools/problems.ts")).problems,
    },
    {
      name: "changes",
      summary: "print what changed in a running gateway, and what became of it",
      load: async () => (await import("./tools/changes.ts")).changes,
    },
    {
      name: "compare",
      summary: "show how far the answers of shadows agree with the primary's",
      load: async () => (await import("./tools/compare/compare.ts")).compare,
    },
    {
      name: "failures",
      summary: "count the requests that failed by cause, and print the last",
      load: async () => (await import("./tools/requests/failures.ts")).failures,
    },
    {
      name: "logs",
      summary: "print requests as they end",
      load: async () => (await import("./tools/requests/logs.ts")).logs,
    },
    {
      name: "oauth",
      summary: "revoke tokens of the OAuth gateway",
      load: async () => (await import("./tools/oauth.ts")).oauth,
    },
    {
      name: "completion",
      summary: "print a script that completes commands and options in a shell",
      load: async () => (await import("./tools/completion/command.ts")).completionCommand(commands),
    },
    {
      name: "version",
      summary: "print the version",
      load: async () => (await import("./tools/version.ts")).version,
    },
  ];
  return commands;
}

/** The text of `sluice --help`. */
export function usageOf(commands: readonly NamedCommand[]): string {
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(12)}${summary}\n`).join("");
  return `sluice: an ingress gateway for Seldon Core\n\nUse: sluice COMMAND [options]\n\n${lines}\nRun sluice COMMAND --help for its options.\n`;
}
