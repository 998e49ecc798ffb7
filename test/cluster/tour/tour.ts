// What the tour prints and counts: steps, the commands that a user would type, and checks.
import { command, type Program } from "../commands.ts";

export class Tour {
  readonly #kubeconfig: string;
  #steps = 0;
  #right = 0;
  #wrong = 0;

  constructor(kubeconfig: string) {
    this.#kubeconfig = kubeconfig;
  }

  get wrong(): number {
    return this.#wrong;
  }

  step(title: string): void {
    this.#steps += 1;
    process.stdout.write(`\n${this.#steps}. ${title}\n`);
  }

  note(text: string): void {
    process.stdout.write(`   ${text}\n`);
  }

  /** Runs `kubectl …`, `helm …` or `sluice …`, one line with spaces between arguments, and prints it with its first lines. */
  async type(line: string): Promise<string> {
    process.stdout.write(`   $ ${line}\n`);
    const [program, ...argv] = line.split(" ");
    const printed = await command(program as Program, this.#kubeconfig, argv);
    const lines = printed.trimEnd().split("\n");
    for (const one of lines.slice(0, 12)) this.note(`  ${one.slice(0, 160)}`);
    if (lines.length > 12) this.note(`  … ${lines.length - 12} lines more`);
    return printed;
  }

  check(claim: string, holds: boolean, seen: string): void {
    if (holds) this.#right += 1;
    else this.#wrong += 1;
    process.stdout.write(`   ${holds ? "ok       " : "NOT RIGHT"} ${claim}: ${seen}\n`);
  }

  end(requests: number, failures: readonly string[]): void {
    for (const failure of failures.slice(0, 10)) this.note(`failed: ${failure}`);
    process.stdout.write(
      `\n${requests} requests under load, ${failures.length} failed; ${this.#right} checks right, ${this.#wrong} not\n`,
    );
  }
}
