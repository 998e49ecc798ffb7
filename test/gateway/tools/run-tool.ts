// Runs a command in this process, and keeps what it prints.
import { vi } from "vitest";
import { commandsOf } from "../../../gateway/commands.ts";
import { ShownCredentials } from "../../../gateway/edge/identity/shown-credentials.ts";
import { runCommand } from "../../../gateway/tools/run-command.ts";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runTool(name: string, ...argv: string[]): Promise<Ran> {
  const command = await commandsOf(async () => new ShownCredentials())
    .find((one) => one.name === name)!
    .load();
  const text = { out: "", err: "" };
  const out = vi.spyOn(process.stdout, "write").mockImplementation((part) => ((text.out += String(part)), true));
  const err = vi.spyOn(process.stderr, "write").mockImplementation((part) => ((text.err += String(part)), true));
  try {
    return { code: await runCommand(name, command, argv), ...text };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
