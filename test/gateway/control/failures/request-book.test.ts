// What the control worker keeps of requests: bounded in number, in text and by namespace.
import { describe, expect, test } from "vitest";
import { emptyEntry, type AccessEntry } from "../../../../gateway/shared/access-fields.ts";
import { FailureRing, maxFailures, maxFieldLength } from "../../../../gateway/control/failures/failure-ring.ts";
import { RequestBook } from "../../../../gateway/control/failures/request-book.ts";

const failed = (requestId: string, namespace = "prod"): AccessEntry => ({
  ...emptyEntry,
  requestId,
  namespace,
  flag: "UH",
  sentence: "no healthy upstream",
});
const none = { failures: 0, others: 0 };
const idsOf = (ring: FailureRing): readonly string[] =>
  ring.all.toSorted((a, b) => a.number - b.number).map(({ entry }) => entry.requestId);

describe("the ring", () => {
  test.each([maxFailures - 1, maxFailures, maxFailures + 1])("after %d failures has at most a thousand", (count) => {
    const ring = new FailureRing();
    for (let number = 1; number <= count; number++) ring.add(failed(String(number)));
    expect(ring.all).toHaveLength(Math.min(count, maxFailures));
    expect(idsOf(ring)[0]).toBe(count > maxFailures ? "2" : "1");
    expect(idsOf(ring).at(-1)).toBe(String(count));
  });

  test("a storm of one namespace pushes out its own, and others keep what they have", () => {
    const ring = new FailureRing(10);
    for (let number = 0; number < 3; number++) ring.add(failed(`quiet ${number}`, "quiet"));
    for (let number = 0; number < 100; number++) ring.add(failed(`storm ${number}`, "storm"));
    expect(idsOf(ring)).toEqual([
      "quiet 0",
      "quiet 1",
      "quiet 2",
      ...Array.from({ length: 7 }, (_, at) => `storm ${93 + at}`),
    ]);
    // Two storms share it.
    for (let number = 0; number < 100; number++) ring.add(failed(`other ${number}`, "other"));
    const counts = Object.groupBy(ring.all, ({ entry }) => entry.namespace);
    expect(Object.values(counts).map((failures) => failures!.length)).toEqual(expect.arrayContaining([3, 3, 4]));
  });

  test("more namespaces than failures: the newest are kept", () => {
    const ring = new FailureRing(3);
    for (let number = 0; number < 5; number++) ring.add(failed(`${number}`, `namespace ${number}`));
    expect(idsOf(ring)).toEqual(["2", "3", "4"]);
  });

  test.each([maxFieldLength - 1, maxFieldLength, maxFieldLength + 1])(
    "a text of %d characters is bounded",
    (length) => {
      const ring = new FailureRing();
      ring.add({ ...failed("one"), route: "r".repeat(length) });
      const { route } = ring.all[0]!.entry;
      expect(route).toHaveLength(Math.min(length, maxFieldLength));
      expect(route.endsWith("…")).toBe(length > maxFieldLength);
    },
  );

  test("an id finds the newest that the viewer sees", () => {
    const ring = new FailureRing();
    ring.add({ ...failed("same", "a"), code: 1 });
    ring.add({ ...failed("same", "b"), code: 2 });
    ring.add({ ...failed("same", "a"), code: 3 });
    ring.add({ ...failed("same", "b"), code: 4 });
    expect(ring.find("same", () => true)?.code).toBe(4);
    expect(ring.find("same", (namespace) => namespace === "a")?.code).toBe(3);
    expect(ring.find("same", () => false)).toBe(null);
    expect(ring.find("another", () => true)).toBe(null);
  });
});

describe("the book", () => {
  test("keeps failures and nothing else, and asks for all while somebody follows", () => {
    const told: boolean[] = [];
    const book = new RequestBook((all) => told.push(all));
    /** What a data worker that comes is sent. */
    const sent = (): readonly unknown[] => {
      const messages: unknown[] = [];
      book.join(0, (message) => messages.push(message));
      return messages;
    };
    const wanted = { kind: "report-all", all: true };
    const seen: string[][] = [[], []];
    const stops = seen.map((ids) => book.follow(({ requestId }) => ids.push(requestId)));
    expect([told, sent()]).toEqual([[true], [wanted]]);
    const model = { ...emptyEntry, requestId: "model", origin: "model", sentence: "The model answered 500" };
    book.take([{ ...emptyEntry, requestId: "good" }, failed("bad"), model], none);
    stops[0]!();
    stops[0]!();
    expect([told, sent()]).toEqual([[true], [wanted]]);
    book.take([failed("later")], none);
    stops[1]!();
    expect([told, sent()]).toEqual([[true, false], []]);
    book.take([failed("last")], none);
    expect(seen).toEqual([
      ["good", "bad", "model"],
      ["good", "bad", "model", "later"],
    ]);
    expect(
      book.failures.map(({ number, entry }) => [number, entry.requestId]).toSorted(([a], [b]) => Number(a) - Number(b)),
    ).toEqual([
      [1, "bad"],
      [2, "model"],
      [3, "later"],
      [4, "last"],
    ]);
  });

  test("counts the failures that were not handed over, and tells followers of all", () => {
    const book = new RequestBook(() => undefined);
    const said: string[] = [];
    book.follow(({ sentence }) => said.push(sentence));
    book.take([], { failures: 3, others: 4 });
    expect(book.leftOut).toBe(3);
    expect(said).toEqual([expect.stringMatching(/^7 more requests are not shown/)]);
    expect(book.failures).toEqual([]);
  });
});
