// Peers: the other replicas of this gateway, looked at every few seconds, and asked when the leader or a person wants to know what they know. What one of
// them answers wrong is an error of that one alone.
import { readArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import type { FoundReplicas, Replica, ReplicaFinder } from "../../../k8s/source/objects/source.ts";
import { visible } from "../../../routing/text/visible.ts";
import {
  askedName,
  evidencePath,
  maxAskedDeployments,
  type Evidence,
  type Peer,
  type PeersStatus,
} from "../../api/peer.ts";
import type { Alarm, Clock } from "../../shared/clock.ts";
import { inTurns } from "../../shared/in-turns.ts";
import type { PeerSaid } from "../../admin/view/peers-view.ts";
import type { PeerPlace } from "../../options/peer-place.ts";
import type { CallOutcome } from "./peer-call.ts";
import { fits, readEvidence } from "./peer-answer.ts";

/** Between two looks at all peers. */
export const lookMs = 5000;
/** Peers that are asked; more are no replicas of one gateway. */
export const maxPeers = 64;
/** People's questions that are under way or wait, at most; one more is refused with that sentence. */
export const maxAsked = 32;
/** Names in one question, bytes: a server reads 16 KiB of head. */
const maxAskedBytes = 6000;
/** Time for the questions of one look, ms: what a peer has not been asked by then it is missing for, so that a slow one delays nobody's roll-back. */
export const gatherMs = 4000;
/** Calls of the leader at a time, and as many of people beside them. */
const together = 8;

export interface PeersOutside {
  readonly clock: Clock;
  readonly epochMs: () => number;
  /** Names this process. */
  readonly instance: string;
  readonly version: string;
  /** null: there is no cluster to ask. */
  readonly finder: ReplicaFinder | null;
  /** Asks for a path with its query. Never rejects, and ends in its own time. */
  readonly call: (replica: Replica, path: string) => Promise<CallOutcome>;
  /** Hash of the table that this replica serves. */
  readonly tableHash: () => string;
}

/** Counts of the other replicas about one deployment. */
export interface EvidenceOfPeers {
  readonly byInstance: ReadonlyMap<string, Evidence>;
  /** Names of peers that did not answer. */
  readonly missing: readonly string[];
}

export const noEvidence: EvidenceOfPeers = { byInstance: new Map(), missing: [] };

interface Known {
  readonly replica: Replica;
  peer: Peer;
  /** Names its process, as it said last; null: it has not said it. */
  instance: string | null;
}

export class Peers {
  readonly self: string;
  readonly #places: readonly PeerPlace[];
  readonly #outside: PeersOutside;
  /** By `HOST:PORT`. */
  #known: ReadonlyMap<string, Known> = new Map();
  /** Until its first look ends it knows none of them, so nothing may go on without them. */
  #trouble: string | null = "Sluice has not looked up its replicas yet";
  #alarm: Alarm | null = null;
  #isOver = false;
  readonly #ofLeader = new Turns(together);
  /** What people ask takes none of the turns of the leader. */
  readonly #ofPeople = new Turns(together);
  #asked = 0;
  /** Deployments of which not all answered the last time. */
  #late: ReadonlySet<string> = new Set();

  constructor(places: readonly PeerPlace[], outside: PeersOutside) {
    this.#places = places;
    this.#outside = outside;
    this.self = outside.instance;
  }

  start(): void {
    void this.look().then(() => {
      if (!this.#isOver) this.#alarm = this.#outside.clock.after(lookMs, () => this.start());
    });
  }

  stop(): void {
    this.#isOver = true;
    this.#alarm?.cancel();
  }

  get status(): PeersStatus {
    const peers = [...this.#known.values()].filter((known) => !this.#isSelf(known)).map(({ peer }) => peer);
    const own = this.#outside.tableHash();
    return {
      trouble: this.#trouble,
      tablesAgree: peers.every(({ state, tableHash }) => state !== "answering" || tableHash === own),
      peers,
    };
  }

  /** Finds them and asks each who it is. */
  async look(): Promise<void> {
    await this.#find();
    const all = [...this.#known.values()];
    await Promise.all(all.map((known) => this.#ofLeader.take(() => this.#askOne(known, evidencePath))));
  }

  /**
   * What each of the others says to a path of the admin port, for people: in the order in which they are known, each process once. The question says
   * `replica=self`, so each answers for itself alone and no question goes round; it is asked with the admin token, so the endpoint that passes an answer on leaves out
   * what its reader may not see. A replica that was away at the last look is not waited for. Never rejects, and each call ends in its time.
   */
  async ask(path: string): Promise<readonly PeerSaid[]> {
    const url = `${path}${path.includes("?") ? "&" : "?"}replica=self`;
    const once = new Set([this.self]);
    const others = [...this.#known.values()].filter(({ instance }) => {
      if (instance === null) return true;
      const isNew = !once.has(instance);
      once.add(instance);
      return isNew;
    });
    const isFull = this.#asked >= maxAsked;
    this.#asked += 1;
    const said = await Promise.all(
      others.map(async ({ replica, peer: { name, state, sentence } }): Promise<PeerSaid> => {
        if (state !== "answering") return { kind: "away", name, sentence: sentence ?? "it does not answer" };
        if (isFull) return { kind: "away", name, sentence: "this replica asks it for others already: ask once more" };
        const outcome = await this.#ofPeople.take(() => this.#outside.call(replica, url));
        if (outcome.kind === "answer") return { kind: "said", name, value: outcome.value };
        return outcome.kind === "absent"
          ? { kind: "absent", name }
          : { kind: "away", name, sentence: outcome.sentence };
      }),
    );
    this.#asked -= 1;
    return said;
  }

  /**
   * Counts of the other replicas about these deployments (`NAMESPACE/NAME`), by name. A peer is asked one part of the question after the other, for `gatherMs` and until it does not answer; it is missing for those that are
   * left. Its state may be another one by then.
   */
  async evidence(names: readonly string[]): Promise<(name: string) => EvidenceOfPeers> {
    const { clock } = this.#outside;
    const all = [...this.#known.values()];
    const endMs = clock.now() + gatherMs;
    // The deployments of a namespace that had no answer the last time come first.
    const late = names.toSorted((a, b) => Number(this.#late.has(b)) - Number(this.#late.has(a)));
    const parts = questionsOf(inTurns(late, (name) => name.slice(0, name.indexOf("/")))).map((asked) => ({
      asked,
      answers: new Map<Known, Evidence>(),
    }));
    await Promise.all(
      all.map(async (known) => {
        for (const { asked, answers } of parts) {
          const url = `${evidencePath}?deployments=${asked.map(inQuery).join(",")}`;
          const answer = await this.#ofLeader.take(async () => (clock.now() < endMs ? this.#askOne(known, url) : null));
          if (answer === null) return;
          answers.set(known, answer);
        }
      }),
    );
    const found = new Map<string, EvidenceOfPeers>();
    for (const { asked, answers } of parts) {
      const missing = all.flatMap((one) => (this.#isSelf(one) || answers.has(one) ? [] : [one.peer.name]));
      // A replica that is named by two addresses has counted once.
      const byInstance = new Map(Array.from(answers.values(), (answer) => [answer.instance, answer]));
      for (const name of asked) found.set(name, { byInstance, missing });
    }
    this.#late = new Set([...found].flatMap(([name, { missing }]) => (missing.length > 0 ? [name] : [])));
    return (name) => found.get(name) ?? noEvidence;
  }

  #isSelf({ instance }: Known): boolean {
    return instance === this.self;
  }

  async #find(): Promise<void> {
    const found = await Promise.all(
      this.#places.map(async (place): Promise<FoundReplicas> => {
        if (place.kind === "address") return { kind: "found", replicas: [{ name: "", ...place }] };
        const { finder } = this.#outside;
        return finder === null
          ? { kind: "failed", sentence: "there is no cluster" }
          : finder.find(place.namespace, place.service);
      }),
    );
    const failed = found.find((one) => one.kind === "failed");
    this.#trouble =
      failed === undefined
        ? null
        : `Sluice cannot look up its replicas, and asks those that it knows: ${failed.sentence}`;
    const replicas = found.flatMap((one) => (one.kind === "found" ? one.replicas : []));
    const next = new Map<string, Known>(failed === undefined ? [] : this.#known);
    for (const replica of replicas) {
      const address = addressOf(replica);
      if (next.size >= maxPeers && !next.has(address)) {
        this.#trouble = `more than ${maxPeers} replicas are named: Sluice asks the first ${maxPeers}`;
        break;
      }
      next.set(address, this.#known.get(address) ?? this.#unknown(replica, address));
    }
    this.#known = next;
  }

  #unknown(replica: Replica, address: string): Known {
    const peer: Peer = {
      name: replica.name === "" ? address : visible(replica.name.slice(0, 253)),
      address,
      state: "away",
      sentence: "Sluice has not asked it yet",
      version: null,
      tableHash: null,
      sinceMs: this.#outside.epochMs(),
      lastSeenMs: null,
    };
    return { replica, peer, instance: null };
  }

  /** null: nothing that counts. */
  async #askOne(known: Known, url: string): Promise<Evidence | null> {
    const outcome = await this.#outside.call(known.replica, url);
    if (outcome.kind !== "answer") {
      known.instance = null;
      return outcome.kind === "absent"
        ? this.#isOut(known, "garbage", "it answered with status 404")
        : this.#isOut(known, outcome.kind, outcome.sentence);
    }
    const said = readEvidence(outcome.value, readArmCounts);
    if (said.kind === "bad") return this.#isOut(known, "garbage", said.sentence);
    const { instance, version, table } = said.said;
    known.instance = instance;
    if (this.#isSelf(known)) return null;
    known.peer = { ...known.peer, version, tableHash: table, lastSeenMs: this.#outside.epochMs() };
    const { version: own } = this.#outside;
    if (!fits(own, version))
      return this.#isOut(
        known,
        "other-version",
        `it runs version ${version}, and this replica ${own}: run versions that are at most one minor version apart`,
      );
    if (said.counts === null)
      return this.#isOut(known, "garbage", "its answer is not of the shape that its version says");
    this.#enter(known, "answering", null);
    return said.counts;
  }

  #isOut(known: Known, state: Peer["state"], sentence: string): null {
    this.#enter(known, state, sentence);
    return null;
  }

  #enter(known: Known, state: Peer["state"], sentence: string | null): void {
    const sinceMs = known.peer.state === state ? known.peer.sinceMs : this.#outside.epochMs();
    known.peer = { ...known.peer, state, sentence, sinceMs };
  }
}

/** Runs so many calls at a time; the others wait in their order. */
class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(free: number) {
    this.#free = free;
  }

  async take<T>(call: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/** Names as questions may have them, of as many names and bytes as a peer reads. */
function questionsOf(names: readonly string[]): readonly (readonly string[])[] {
  const questions: string[][] = [];
  let bytes = Infinity;
  for (const name of names) {
    if (!askedName.test(name)) continue;
    const length = inQuery(name).length + 1;
    bytes += length;
    if (bytes > maxAskedBytes || questions.at(-1)!.length === maxAskedDeployments) {
      questions.push([]);
      bytes = length;
    }
    questions.at(-1)!.push(name);
  }
  return questions;
}

function inQuery(name: string): string {
  return encodeURIComponent(name.toWellFormed());
}

function addressOf({ host, port }: Replica): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
