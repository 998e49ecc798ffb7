// `kubectl sluice COMMAND`: a command of Sluice on a gateway, of which one pod is asked through the API server: it joins what the others say.
import { command, type Command, type NamedCommand, type Use } from "../../options/command.ts";
import { readCommandLine } from "../../options/command-line.ts";
import { readNamespace, text, type Options } from "../../options/option.ts";
import { visible } from "../../../routing/text/visible.ts";
import { findGatewayPods, type GatewayPods } from "../../../k8s/source/gateway-pods.ts";
import { gatewayOption } from "../gateway/gateway.ts";
import { print } from "../terminal/print.ts";
import { runCommand } from "../run-command.ts";

const pluginOptions = {
  namespace: {
    ...text("NAMESPACE", "where the gateway runs", "that of the context, else sluice", readNamespace),
    short: "n",
  },
  selector: { ...text("LABELS", "which pods are the gateway's", "app.kubernetes.io/name=sluice"), short: "l" },
  kubeconfig: text("FILE", "a kubeconfig, with the context below", "KUBECONFIG, else ~/.kube/config"),
  context: text("NAME", "context of the kubeconfig", "the current one"),
};

type PluginValues = Use<typeof pluginOptions>["values"];

/** The exit code. Options before the command say where the gateway is; after it those of the command come first. */
export async function runPlugin(commands: readonly NamedCommand[], argv: readonly string[]): Promise<number> {
  const [before, name, after] = splitAtCommand(argv);
  if (name === undefined || ["help", "--help", "-h"].includes(argv[0]!)) {
    print(await usageOf(commands));
    return name === undefined && argv.length === 0 ? 2 : 0;
  }
  const found = commands.find((one) => one.name === name);
  const declared = found === undefined ? null : await found.load();
  if (declared === null || !asksGateway(declared)) {
    process.stderr.write(
      `kubectl sluice: "${visible(name)}" asks no running gateway: write one of ${(await namesOf(commands)).join(", ")}\n`,
    );
    return 2;
  }
  const where = readCommandLine(pluginOptions, before, {});
  if (where.kind !== "parsed") {
    process.stderr.write(
      `kubectl sluice: ${where.kind === "wrong" ? visible(where.sentence) : "write kubectl sluice --help"}\n`,
    );
    return 2;
  }
  return runCommand(name, inCluster(declared, where.values), after);
}

function asksGateway({ options }: Command): boolean {
  return options["url"] === gatewayOption;
}

async function namesOf(commands: readonly NamedCommand[]): Promise<readonly string[]> {
  const loaded = await Promise.all(commands.map(async ({ name, load }) => ({ name, declared: await load() })));
  return loaded.flatMap(({ name, declared }) => (asksGateway(declared) ? [name] : []));
}

async function usageOf(commands: readonly NamedCommand[]): Promise<string> {
  const names = await namesOf(commands);
  const lines = commands.flatMap(({ name, summary }) =>
    names.includes(name) ? [`  ${name.padEnd(12)}${summary}\n`] : [],
  );
  return `kubectl sluice: asks a pod of a gateway through the API server, with your rights (list pods, get and create pods/portforward)

Use: kubectl sluice [-n NAMESPACE] [-l LABELS] [--context NAME] COMMAND [options]

${lines.join("")}
Run kubectl sluice COMMAND --help for its options.
`;
}

/** Every option before the command takes a value. */
function splitAtCommand(argv: readonly string[]): readonly [readonly string[], string | undefined, readonly string[]] {
  let at = 0;
  while (at < argv.length && argv[at]!.startsWith("-"))
    at += argv[at]!.includes("=") || /^-[nl]./.test(argv[at]!) ? 1 : 2;
  return [argv.slice(0, at), argv[at], argv.slice(at + 1)];
}

/** The same command, on a pod. */
function inCluster(declared: Command, where: PluginValues): Command {
  const { url: _, ...own } = declared.options;
  const options: Options = { ...pluginOptions, ...own };
  return command({
    ...declared,
    forms: declared.forms.filter((form) => form.includes("--url")).map((form) => form.replace(/ ?--url ADMIN/, "")),
    options,
    run: async (use) => {
      const written = use.values as Readonly<Record<string, unknown>>;
      // What the command itself calls so is its own.
      const plugin = Object.fromEntries(
        Object.entries(where).map(([field, value]) => [field, field in own ? value : (written[field] ?? value)]),
      ) as unknown as PluginValues;
      let pods: GatewayPods;
      try {
        pods = await findGatewayPods({ ...plugin, selector: plugin.selector ?? "app.kubernetes.io/name=sluice" });
      } catch (error) {
        return { kind: "failed", sentence: sentenceOf(error) };
      }
      try {
        const adminToken =
          (written["adminToken"] as string | null) ?? (pods.tokenSecret === null ? null : await pods.readToken());
        // An admin port answers to the name that it is asked by; inside the pod that is its loopback.
        const url = { ...pods.pod, base: "http://127.0.0.1:8877" };
        return await declared.run({ ...use, values: { ...written, url, adminToken } });
      } catch (error) {
        return { kind: "failed", sentence: sentenceOf(error) };
      } finally {
        pods.close();
      }
    },
  });
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
