// Runs a tool in this process, and keeps what it prints.
import { vi } from "vitest";

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export async function runTool(tool: (argv: readonly string[]) => Promise<number>, ...argv: string[]): Promise<Ran> {
  const text = { out: "", err: "" };
  const out = vi.spyOn(process.stdout, "write").mockImplementation((part) => ((text.out += String(part)), true));
  const err = vi.spyOn(process.stderr, "write").mockImplementation((part) => ((text.err += String(part)), true));
  try {
    return { code: await tool(argv), ...text };
  } finally {
    out.mockRestore();
    err.mockRestore();
  }
}
