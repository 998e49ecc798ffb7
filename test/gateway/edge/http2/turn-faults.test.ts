// A bug that shows at the end of a turn ends the connection that it showed on, and no other.
import { expect, test } from "vitest";
import type { ServerConnection } from "../../../../gateway/edge/http2/server.ts";
import { answer, answerAtEnd, startServer } from "./peers.ts";
import { frames, rawClient } from "./raw-peer.ts";

function planted(): never {
  throw new Error("planted");
}

/** `readOver` is called at the end of a read, and again at the end of each turn in which a rest of it was read. */
function failInTurn(connection: ServerConnection): void {
  let calls = 0;
  Object.assign(connection, { readOver: () => void (++calls === 2 && planted()) });
}

test.each<[string, (connection: ServerConnection) => void]>([
  ["the rest of a read", failInTurn],
  ["a write", (connection) => void Object.assign(connection.transport, { write: planted })],
])("%s", async (_, plant) => {
  const server = await startServer(
    answerAtEnd((stream) => answer(stream, 200, [], "body")),
    { framesATurn: 2 },
  );
  const hit = await rawClient(server.port);
  await hit.answered();
  const other = await rawClient(server.port);
  await other.answered();
  plant(server.connections[0]!);
  hit.send(...[1, 3, 5, 7, 9, 11].map((id) => frames.request(id, true)));
  other.send(...[1, 3, 5, 7, 9, 11].map((id) => frames.request(id, true)));
  await hit.untilClosed();
  await other.answered();
  expect([server.shared.faults.map(String), server.failures]).toEqual([["Error: planted"], ["destroyed"]]);
  expect(other.closed).toBe(false);
});
