// A child process of the harness that answers questions: an origin, an attacker. One question at a time.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { adopt, type Program } from "./process.ts";

export interface Child<Question, Answer> extends Program {
  ask(question: Question): Promise<Answer>;
}

/** Starts `script` with Node, pinned to a core (null: both). Its end while a question is open rejects it. */
export function startChild<Question, Answer>(
  script: URL,
  core: number | null,
  nodeOptions: readonly string[] = [],
): Child<Question, Answer> {
  const words = ["-c", core === null ? "0,1" : String(core), process.execPath, ...nodeOptions, fileURLToPath(script)];
  const child = spawn("taskset", words, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const program = adopt(child, "");
  return {
    ...program,
    ask: (question) =>
      new Promise<Answer>((resolve, reject) => {
        const ended = (): void => reject(new Error(`${script.pathname} ended before it answered`));
        child.once("exit", ended);
        child.once("message", (answer) => {
          child.off("exit", ended);
          resolve(answer as Answer);
        });
        child.send(question as object);
      }),
  };
}

/** The child's side: answers each question, of the type that the two sides agree on. */
export function answerQuestions(answer: (question: never) => unknown): void {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error("this program is a child process of the harness");
  process.on("message", (question) => {
    void Promise.resolve(answer(question as never)).then((reply) => send(reply));
  });
  process.once("disconnect", () => process.exit(0));
}
