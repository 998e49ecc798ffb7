import { describe, expect, test } from "vitest";
import {
  Ejection,
  baseEjectionMs,
  failuresToEject,
  longestEjectionMs,
  nextProbeMs,
} from "../../../../gateway/edge/balancing/ejection.ts";

const may = (): boolean => true;

/** Fails so often that it is ejected. */
function eject(ejection: Ejection, nowMs: number): void {
  for (let i = 1; i < failuresToEject; i++) expect(ejection.failed(nowMs, may)).toBe(false);
  expect(ejection.failed(nowMs, may)).toBe(true);
}

describe("ejection", () => {
  test("five gateway failures in a row eject, four do not; an answer between them ends the row", () => {
    const ejection = new Ejection();
    for (let i = 1; i < failuresToEject; i++) ejection.failed(0, may);
    expect(ejection.isOut).toBe(false);
    ejection.succeeded(0);
    for (let i = 1; i < failuresToEject; i++) ejection.failed(0, may);
    expect(ejection.isOut).toBe(false);
    expect(ejection.failed(0, may)).toBe(true);
    expect(ejection.isOut).toBe(true);
  });

  test("it does not eject what its pool cannot do without, and does once it can", () => {
    const ejection = new Ejection();
    for (let i = 0; i < 50; i++) expect(ejection.failed(0, () => false)).toBe(false);
    expect(ejection.isOut).toBe(false);
    expect(ejection.failed(0, may)).toBe(true);
  });

  test("after the ejection one probe decides: well, and it is in; not, and it is out for longer", () => {
    const ejection = new Ejection();
    eject(ejection, 1000);
    expect(ejection.probeAtMs).toBe(1000 + baseEjectionMs);
    ejection.probe(31_000);
    expect(ejection.isOut).toBe(true);
    expect(ejection.failed(31_001, may)).toBe(true);
    expect(ejection.probeAtMs).toBe(31_001 + 2 * baseEjectionMs);
    ejection.probe(91_001);
    expect(ejection.succeeded(91_002)).toBe(true);
    expect(ejection.isOut).toBe(false);
    expect(ejection.probeAtMs).toBe(Infinity);
  });

  test("a probe that says nothing is followed by another", () => {
    const ejection = new Ejection();
    eject(ejection, 0);
    ejection.probe(30_000);
    expect(ejection.probeAtMs).toBe(30_000 + nextProbeMs);
  });

  test("what was sent before the ejection does not end it, nor prolong it", () => {
    const ejection = new Ejection();
    eject(ejection, 0);
    expect(ejection.failed(10, may)).toBe(false);
    expect(ejection.succeeded(10)).toBe(false);
    expect(ejection.probeAtMs).toBe(baseEjectionMs);
  });

  test("the n-th ejection in a row lasts n times as long, ten at most", () => {
    const ejection = new Ejection();
    let nowMs = 0;
    eject(ejection, nowMs);
    for (let n = 1; n <= 12; n++) {
      expect(ejection.probeAtMs - nowMs).toBe(Math.min(longestEjectionMs, n * baseEjectionMs));
      nowMs = ejection.probeAtMs;
      ejection.probe(nowMs);
      ejection.failed(nowMs, may);
    }
  });

  test("each base time that it was well takes one ejection back", () => {
    const ejection = new Ejection();
    eject(ejection, 0);
    ejection.probe(30_000);
    ejection.failed(30_000, may);
    ejection.probe(90_000);
    ejection.succeeded(90_000);
    // Two ejections, well for one base time: the next is the second again.
    eject(ejection, 90_000 + baseEjectionMs);
    expect(ejection.probeAtMs - 90_000 - baseEjectionMs).toBe(2 * baseEjectionMs);
  });
});
