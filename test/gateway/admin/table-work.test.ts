// What lists of the table cost at 3,000 deployments: between two turns of the control worker few Routes are made, and a page or a viewer of one namespace makes its own alone.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AdminServer } from "../../../gateway/admin/server.ts";
import type { AdminView } from "../../../gateway/admin/view/view.ts";
import { plainMappingOf } from "../../../routing/arena/plain-mapping.ts";
import { noSlots } from "../../../routing/write/table-index.ts";
import { TableWriter } from "../../../routing/write/table-writer.ts";
import { arenaOn } from "../../../routing/arena/arena.ts";
import { change } from "../../routing/build.ts";
import { adminOptionsOf, startedAdmin } from "./admin-stage.ts";

const deployments = 3000;
/** A Route is made and told of in some hundredths of a millisecond: so many are less than 20 ms. */
const mostATurn = 300;
/** Deployments of one name, each in a namespace of its own. */
const alike = 500;
const mappings = Array.from({ length: deployments }, (_, at) => {
  const isAlike = at >= deployments - alike;
  const namespace = isAlike ? `alike-${at}` : at % 300 === 0 ? "team" : `team-${at % 100}`;
  return plainMappingOf(
    { kind: "SeldonDeployment", namespace, name: isAlike ? "iris-alike" : `iris-${at}` },
    "http",
    "main",
  );
});

let admin: AdminServer;
let made = 0;
let walks = 0;
let inTurn = 0;
let most = 0;
let counts = true;

beforeAll(async () => {
  const writer = new TableWriter(arenaOn(new ArrayBuffer(64 * 1024 * 1024)), 0, () => undefined, undefined, noSlots());
  writer.write(change(mappings), 0);
  const counted = <T>(route: T): T => {
    made += 1;
    inTurn += 1;
    most = Math.max(most, inTurn);
    return route;
  };
  const { view } = adminOptionsOf([], []);
  const big: AdminView = {
    ...view,
    mappingIds: {
      [Symbol.iterator]() {
        walks += 1;
        return writer.mappingIds()[Symbol.iterator]();
      },
    },
    routeKeys: { [Symbol.iterator]: () => writer.routeKeys()[Symbol.iterator]() },
    routeAt: (key) => counted(writer.routeAt(key)),
    routeOf: (id) => counted(writer.routeOf(id)),
  };
  admin = await startedAdmin([], [], { view: big });
  const turn = (): void => {
    inTurn = 0;
    if (counts) setImmediate(turn);
  };
  turn();
});
afterAll(() => {
  counts = false;
  return admin.close();
});

test.each([
  ["/api/v1/routes", "application/json", 500],
  ["/api/v1/routes?namespace=team", "application/json", 10],
  ["/api/v1/routes?namespace=team", "text/plain", 10],
  ["/api/v1/routes?namespace=team&wide=true", "text/plain", 10],
  ["/api/v1/routes?deployment=team-1/iris-1", "application/json", 4],
  ["/api/v1/routes?deployment=iris-1", "text/plain", 4],
  ["/api/v1/routes?namespace=alike-2700&deployment=iris-alike", "application/json", 4],
  ["/api/v1/routes?namespace=alike-2700&deployment=iris-alike", "text/plain", 4],
  ["/api/v1/routes?deployment=iris-alike", "application/json", 2 * alike + 1],
  ["/api/v1/routes?deployment=iris-alike", "text/plain", 2 * alike],
  ["/api/v1/routes", "text/plain", deployments],
  ["/api/v1/routes?wide=true", "text/plain", deployments],
  ["/api/v1/who", "application/json", 500],
  ["/api/v1/who?namespace=team", "application/json", 10],
  ["/api/v1/who?namespace=team", "text/plain", 10],
  ["/api/v1/who?deployment=team-1/iris-1", "application/json", 4],
  ["/api/v1/who?deployment=iris-alike", "application/json", 500],
  ["/api/v1/who?deployment=iris-alike", "text/plain", 2 * alike],
  ["/api/v1/who", "text/plain", deployments],
])("%s (%s) makes at most %i Routes", { timeout: 300_000 }, async (path, accept, routes) => {
  made = most = 0;
  const answer = await fetch(`http://127.0.0.1:${admin.port}${path}`, {
    headers: { accept, authorization: "Bearer token" },
  });
  expect(answer.status).toBe(200);
  expect(await answer.text()).toContain("iris-");
  expect(made).toBeLessThanOrEqual(routes);
  expect(most).toBeLessThanOrEqual(mostATurn);
});

test("the text of who about one deployment looks for it once", async () => {
  walks = 0;
  const answer = await fetch(`http://127.0.0.1:${admin.port}/api/v1/who?deployment=iris-alike`, {
    headers: { accept: "text/plain", authorization: "Bearer token" },
  });
  expect(await answer.text()).toContain("iris-alike");
  expect(walks).toBe(1);
});
