// The commands that a user types, run by the programs of the same build.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname } from "node:path";
import { binary } from "./binaries.ts";

export interface CommandEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const sluice = new URL("../../gateway/main.ts", import.meta.url).pathname;

export type Program = "kubectl" | "helm" | "sluice";

/** Runs a command with that kubeconfig, whatever its exit code. What it caches stays in the kubeconfig's folder. */
export async function commandEnd(
  program: Program,
  kubeconfig: string,
  argv: readonly string[],
  stdin = "",
): Promise<CommandEnd> {
  const [file, first] = program === "sluice" ? [process.execPath, [sluice]] : [binary(program), []];
  const child = spawn(file, [...first, ...argv], {
    env: { PATH: process.env["PATH"], HOME: dirname(kubeconfig), KUBECONFIG: kubeconfig },
  });
  const end = { code: 0, stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (end.stdout += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (end.stderr += chunk));
  child.stdin.end(stdin);
  const [code] = await once(child, "close");
  end.code = code === null ? 1 : Number(code);
  return end;
}

/** What it printed. Throws what it said when it failed. */
export async function command(
  program: Program,
  kubeconfig: string,
  argv: readonly string[],
  stdin = "",
): Promise<string> {
  const { code, stdout, stderr } = await commandEnd(program, kubeconfig, argv, stdin);
  if (code !== 0) throw new Error(`${program} ${argv.join(" ")}: exit code ${code}: ${stderr.trim()}`);
  return stdout;
}

export async function kubectl(kubeconfig: string, argv: readonly string[], stdin = ""): Promise<string> {
  return command("kubectl", kubeconfig, argv, stdin);
}
