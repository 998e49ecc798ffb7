// What a puid costs a request: its line, the look whether the client sent one, and what knowing one costs by predictors of the Route.
import { randomUUID } from "node:crypto";
import { PuidSigner, puidField, puidStart } from "../../gateway/edge/feedback/puid.ts";
import { readRequestHead, WireRequestHead } from "../../gateway/edge/message/request-head.ts";
import { defaultLimits } from "../../gateway/options/limits.ts";
import { fieldNamed } from "../../routing/request/bytes.ts";

const rounds = 2_000_000;

export function benchPuids(): void {
  const key = new Uint8Array(32).fill(1);
  const signers = Array.from(
    { length: 10 },
    (_, at) => new PuidSigner([key], { namespace: "prod", deployment: "iris", predictor: `p${at}`, model: "" }),
  );
  const ids = Array.from({ length: 1024 }, () => Buffer.from(randomUUID()));
  const fields = ["Host: gateway", "User-Agent: python-requests/2.31", "Accept: */*", "Content-Type: application/json"];
  const text = `POST /x HTTP/1.1\r\n${fields.join("\r\n")}\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\n\0`;
  const head = new WireRequestHead();
  readRequestHead(head, Buffer.from(text), 0, text.length - 1, defaultLimits);
  const [signer] = signers as [PuidSigner];
  let sum = 0;
  perCall("puid: look for the client's, make one", (at) => {
    if (fieldNamed(head, puidField, 0) < 0) sum += signer.lineFor(ids[at & 1023]!)[60]!;
  });
  const puid = signers.at(-1)!.lineFor(ids[0]!).toString("latin1", puidStart).trimEnd();
  perCall("puid: whose of ten predictors", () => {
    sum += signers.findIndex((one) => one.whose(puid) !== "others");
  });
  if (sum === 0) throw new Error("nothing was made");
}

function perCall(name: string, call: (at: number) => void): void {
  const best = Array.from({ length: 5 }, () => {
    const { user } = process.cpuUsage();
    for (let at = 0; at < rounds / 5; at++) call(at);
    return (process.cpuUsage().user - user) / (rounds / 5);
  });
  console.log(`${name}: ${(Math.min(...best) * 1000).toFixed(0)} ns`);
}
