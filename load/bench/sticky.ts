// What a sticky Route costs a request beside its decision: finding the key in the head, its hash, and the member that it falls on.
import { randomUUID } from "node:crypto";
import { readRequestHead, WireRequestHead } from "../../gateway/edge/message/request-head.ts";
import { defaultLimits } from "../../gateway/options/limits.ts";
import { digestOf } from "../../routing/collections/digest.ts";
import type { StickyOn } from "../../routing/model/sticky.ts";
import type { ForwardDecision } from "../../routing/route/decision.ts";
import { groundsOf } from "../../routing/route/circle.ts";
import { pointOfHead } from "../../routing/route/sticky-key.ts";
import { memberAt } from "../../routing/route/sticky-split.ts";

const rounds = 2_000_000;

export function benchSticky(): void {
  const heads = Array.from({ length: 1024 }, () => headOf(randomUUID()));
  const parts = [0.9, 0.05, 0.05].map((share, at) => ({ anchor: at * 9e13, declared: share, share }));
  const grounds = groundsOf(parts);
  const split = {
    seed: digestOf("prod/iris"),
    untils: grounds.map(({ until }) => until),
    takers: grounds.map(({ part }) => ({ serial: part }) as ForwardDecision<null>),
  };
  const kinds: readonly StickyOn[] = [
    { kind: "header", name: "x-user-id" },
    { kind: "cookie", name: "sluice", ttlMs: null },
    { kind: "query", name: "user" },
  ];
  for (const on of kinds) {
    const sticky = { ...split, on };
    let sum = 0;
    const best = Array.from({ length: 5 }, () => {
      const { user } = process.cpuUsage();
      for (let at = 0; at < rounds / 5; at++) {
        const point = pointOfHead(sticky, heads[at & 1023]!);
        if (point < 0) throw new Error("the head holds no key");
        sum += memberAt(sticky, point).serial;
      }
      return (process.cpuUsage().user - user) / (rounds / 5);
    });
    if (sum === 0) throw new Error("one member took all");
    console.log(`sticky by ${on.kind}, a key of 36 bytes: ${(Math.min(...best) * 1000).toFixed(0)} ns`);
  }
}

function headOf(key: string): WireRequestHead {
  const fields = ["Host: gateway", "User-Agent: python-requests/2.31", "Accept: */*", "Content-Type: application/json"];
  const text = `POST /x?user=${key} HTTP/1.1\r\n${fields.join("\r\n")}\r\nX-User-Id: ${key}\r\nCookie: sluice=${key}\r\nContent-Length: 4\r\n\r\n\0`;
  const head = new WireRequestHead();
  readRequestHead(head, Buffer.from(text), 0, text.length - 1, defaultLimits);
  return head;
}
