// What the admin port makes of addresses that are long, double or no text.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AdminServer } from "../../../gateway/admin/server.ts";
import { RequestBook } from "../../../gateway/control/failures/request-book.ts";
import { emptyEntry } from "../../../gateway/shared/access-fields.ts";
import { startedAdmin } from "./admin-stage.ts";
import { askJudged } from "./judged-answer.ts";

const longest = "i".repeat(512);
const requests = new RequestBook(() => undefined);
let admin: AdminServer;

beforeAll(async () => {
  requests.take([{ ...emptyEntry, requestId: longest, namespace: "models", flag: "UH" }], { failures: 1, others: 0 });
  admin = await startedAdmin([], [], { requests });
});
afterAll(() => admin.close());

const ask = async (path: string): Promise<Response> =>
  askJudged(admin.port, path, { headers: { authorization: "Bearer token" } });

test("finds a request by an id of 512 characters, and says what is wrong with more", async () => {
  expect((await ask(`/api/v1/requests/${longest.slice(1)}`)).status).toBe(404);
  expect((await ask(`/api/v1/requests/${longest}`)).status).toBe(200);
  const more = await ask(`/api/v1/requests/${longest}i`);
  expect(more.status).toBe(400);
  expect(await more.text()).toContain("has more than 512 characters");
});

test.each(["/api/v1/requests/%ff", "/api/v1/deployments/%c3/x"])("%s is refused in a sentence", async (path) => {
  const refused = await ask(path);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain("is not UTF-8");
});

test("a query holds a second question mark", async () => {
  const explained = await ask("/api/v1/explain?path=/seldon/models/iris/x?q=1");
  expect(await explained.json()).toMatchObject({ request: { path: "/seldon/models/iris/x?q=1" } });
  // Else it would be of all namespaces.
  expect((await ask("/api/v1/deployments?limit=1?namespace=models")).status).toBe(400);
});
