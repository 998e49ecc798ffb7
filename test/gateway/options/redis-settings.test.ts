import { expect, test } from "vitest";
import { parseRedisUrl, printRedis } from "../../../gateway/options/redis-settings.ts";
import { redisAt } from "../../redis-server.ts";

const plain = {
  kind: "single",
  nodes: [{ host: "redis", port: 6379 }],
  master: "",
  tls: false,
  username: "",
  database: 0,
} as const;

test.each([
  ["redis://redis", plain],
  ["redis://redis:7000", { ...plain, nodes: [{ host: "redis", port: 7000 }] }],
  ["redis://redis/", plain],
  ["redis://redis/15", { ...plain, database: 15 }],
  ["rediss://sluice@redis/2", { ...plain, tls: true, username: "sluice", database: 2 }],
  ["redis://[::1]:7000", { ...plain, nodes: [{ host: "::1", port: 7000 }] }],
  [
    "redis+sentinel://a,b:7000/main",
    {
      ...plain,
      kind: "sentinel",
      nodes: [
        { host: "a", port: 26_379 },
        { host: "b", port: 7000 },
      ],
      master: "main",
    },
  ],
  [
    "rediss+sentinel://a/main/3",
    { ...plain, kind: "sentinel", nodes: [{ host: "a", port: 26_379 }], master: "main", tls: true, database: 3 },
  ],
  [
    "redis+cluster://a,b,[fd00::1]:7000",
    {
      ...plain,
      kind: "cluster",
      nodes: [
        { host: "a", port: 6379 },
        { host: "b", port: 6379 },
        { host: "fd00::1", port: 7000 },
      ],
    },
  ],
])("%s", (text, url) => {
  expect(parseRedisUrl(text)).toEqual({ kind: "url", url });
});

test.each([
  ["redis", "is not a Redis URL"],
  ["http://redis", "is not a Redis URL"],
  ["redis://", "is not a Redis URL"],
  ["redis://redis?db=1", "is not a Redis URL"],
  ["redis://redis:0", "has no valid address"],
  ["redis://redis:65536", "has no valid address"],
  ["redis://a,b", "has no valid address"],
  ["redis://a b", "has no valid address"],
  ["redis+cluster://a,", "has no valid address"],
  [`redis+cluster://${Array.from({ length: 17 }, (_, at) => `n${at}`).join(",")}`, "has no valid address"],
  ["redis+cluster://a/1", "names a database, but a Redis Cluster has only 0"],
  ["redis+sentinel://a", "does not name the master of the Sentinels"],
  ["redis+sentinel://a//1", "does not name the master of the Sentinels"],
  ["redis://redis/16", "has a bad database"],
  ["redis://redis/01", "has a bad database"],
  ["redis://redis/1/2", "has a bad database"],
  ["redis://redis//1", "has a bad database"],
  ["redis://us er@redis", "has a bad user name"],
])("%s is refused", (text, sentence) => {
  const parsed = parseRedisUrl(text);
  expect(parsed.kind === "wrong" && parsed.sentence).toContain(sentence);
});

test("16 servers of a Cluster are taken", () => {
  expect(parseRedisUrl(`redis+cluster://${Array.from({ length: 16 }, (_, at) => `n${at}`).join(",")}`).kind).toBe(
    "url",
  );
});

test("a password in the URL is refused, and not repeated", () => {
  const parsed = parseRedisUrl("redis://user:hunter2@redis");
  expect(parsed.kind === "wrong" && parsed.sentence).toContain("--redis-password-file");
  expect(JSON.stringify(parsed)).not.toContain("hunter2");
});

test.each([
  [redisAt(6379), "redis://127.0.0.1:6379"],
  [
    redisAt(1, {
      kind: "sentinel",
      nodes: [
        { host: "::1", port: 1 },
        { host: "b", port: 2 },
      ],
      master: "main",
      tls: true,
      username: "u",
      passwordFile: "p",
    }),
    "rediss+sentinel://[::1]:1,b:2/main",
  ],
])("it is printed without its user", (settings, text) => {
  expect(printRedis(settings)).toBe(text);
});
