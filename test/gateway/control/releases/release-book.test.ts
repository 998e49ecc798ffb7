// The record that is in force, where the watch of its store is behind the writes.
import { expect, test } from "vitest";
import { ReleaseBook } from "../../../../gateway/control/releases/release-book.ts";
import type { ReleaseEntry, ReleaseRecord } from "../../../../k8s/translate/model/release.ts";
import type { RecordWrite, StoredRecord } from "../../../../k8s/source/objects/source.ts";

const entryAt = (step: number): ReleaseEntry => ({
  namespace: "prod",
  name: "iris",
  kind: "rollout",
  text: "t",
  models: "m",
  shares: { canary: 10 * (step + 1) },
  state: "stepping",
  step,
  sinceMs: 0,
  why: "",
  isPromoteUsed: false,
  reward: "",
  rewards: {},
});
const recordAt = (step: number): ReleaseRecord => new Map([["prod/iris", entryAt(step)]]);

/** A store whose watch tells what the test lets it tell. */
function stage(): {
  readonly book: ReleaseBook;
  readonly texts: string[];
  readonly tell: (version: number) => void;
  readonly steps: () => readonly number[];
  beforeAnswer: (version: number) => void;
} {
  const texts: string[] = [];
  const inForce: number[] = [];
  let told: (stored: StoredRecord) => void = () => undefined;
  const tell = (version: number): void => told({ kind: "text", text: texts[version - 1]!, version: String(version) });
  const made = { beforeAnswer: (_version: number): void => undefined };
  const book = new ReleaseBook(
    {
      subject: { kind: "ConfigMap", namespace: "sluice", name: "releases" },
      follow: (follower) => {
        told = follower;
        told({ kind: "absent" });
      },
      write: async (text, over): Promise<RecordWrite> => {
        expect(over).toBe(texts.length === 0 ? null : String(texts.length));
        texts.push(text);
        made.beforeAnswer(texts.length);
        return { kind: "written", version: String(texts.length) };
      },
    },
    {
      log: { write: () => undefined, flush: () => undefined },
      kept: "",
      recorded: (record) => inForce.push(record.get("prod/iris")!.step),
      problemsChanged: () => undefined,
    },
  );
  return Object.assign(made, { book, texts, tell, steps: () => inForce });
}

test("what a watch tells of versions that were written over since takes nothing back", async () => {
  const { book, tell, steps } = stage();
  for (const step of [0, 1, 2]) expect(await book.write(recordAt(step), new Set())).toBe("written");
  for (const version of [1, 2, 3]) tell(version);
  expect(steps()).toEqual([0, 1, 2]);
  // Its next write is over the newest version, and what others write counts.
  expect(await book.write(recordAt(3), new Set())).toBe("written");
  tell(4);
  tell(1);
  expect(steps()).toEqual([0, 1, 2, 3, 0]);
});

test("a watch that tells of a write before its answer comes makes it no conflict", async () => {
  const at = stage();
  at.beforeAnswer = at.tell;
  expect(await at.book.write(recordAt(0), new Set())).toBe("written");
  expect(await at.book.write(recordAt(1), new Set())).toBe("written");
  expect(at.steps()).toEqual([0, 1]);
});
