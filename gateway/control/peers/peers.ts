// Peers: the other replicas of this gateway, looked at every few seconds, and asked when somebody wants to know what they have counted. What one of them
// answers wrong is an error of that one alone.
import { readArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import type { FoundReplicas, Replica, ReplicaFinder } from "../../../k8s/source/objects/source.ts";
import { visible } from "../../../routing/text/visible.ts";
import { askedName, maxAskedDeployments, type Peer, type PeerCounts, type PeersStatus } from "../../api/peer.ts";
import type { Alarm, Clock } from "../../shared/clock.ts";
import type { PeerKeys } from "../../shared/peer-proof.ts";
import type { PeerSaid } from "../../admin/view/peers-view.ts";
import type { PeerPlace } from "../../options/peer-place.ts";
import type { CallOutcome } from "./peer-call.ts";
import { readPeerCounts } from "./peer-answer.ts";
import type { PeerKeyRead } from "./peer-key.ts";
import { fits } from "./peer-version.ts";

/** Between two looks at all peers. */
export const lookMs = 5000;
/** Peers that are asked; more are no replicas of one gateway. */
export const maxPeers = 64;
/** Names in one question, bytes: a server reads 16 KiB of head. */
const maxAskedBytes = 6000;
/** Calls at a time. */
const together = 8;

export const countsPath = "/api/v1/peer/counts";

export interface PeersOutside {
  readonly clock: Clock;
  readonly epochMs: () => number;
  /** Names this process. */
  readonly instance: string;
  readonly version: string;
  readonly readKey: () => PeerKeyRead;
  /** null: there is no cluster to ask. */
  readonly finder: ReplicaFinder | null;
  readonly call: (replica: Replica, url: string, keys: PeerKeys, challenge: string | null) => Promise<CallOutcome>;
  /** Hash of the table that this replica serves. */
  readonly tableHash: () => string;
}

export interface CountsOfPeers {
  readonly byInstance: ReadonlyMap<string, PeerCounts>;
  /** Names of peers that did not answer all of the question. */
  readonly missing: readonly string[];
}

interface Known {
  readonly replica: Replica;
  peer: Peer;
  challenge: string | null;
  /** It is this process. */
  isSelf: boolean;
}

export class Peers {
  readonly self: string;
  readonly #places: readonly PeerPlace[];
  readonly #outside: PeersOutside;
  /** By `HOST:PORT`. */
  #known: ReadonlyMap<string, Known> = new Map();
  #key: PeerKeyRead;
  /** Until its first look ends it knows none of them, so nothing may go on without them. */
  #trouble: string | null = "Sluice has not looked up its replicas yet";
  #alarm: Alarm | null = null;
  #isOver = false;

  constructor(places: readonly PeerPlace[], outside: PeersOutside) {
    this.#places = places;
    this.#outside = outside;
    this.self = outside.instance;
    this.#key = outside.readKey();
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

  /** null: none can be used now. */
  get keys(): PeerKeys | null {
    return this.#key.kind === "keys" ? this.#key.keys : null;
  }

  all(): readonly Peer[] {
    return this.#others().map(({ peer }) => peer);
  }

  get status(): PeersStatus {
    const peers = this.all();
    const own = this.#outside.tableHash();
    return {
      trouble: this.#key.kind === "bad" ? this.#key.sentence : this.#trouble,
      tablesAgree: peers.every(({ state, tableHash }) => state !== "answering" || tableHash === own),
      peers,
    };
  }

  /** Finds them and asks each whether it is there. */
  async look(): Promise<void> {
    this.#key = this.#outside.readKey();
    await this.#find();
    await this.#askAll(countsPath);
  }

  /** What each that answers says to a path with its query, by its name: JSON that nobody has checked. */
  async ask(url: string): Promise<ReadonlyMap<string, unknown>> {
    return this.#askAll(url);
  }

  /**
   * What the others have counted of these deployments (`NAMESPACE/NAME`), by the instance that counts. A peer that does not answer each part of the
   * question is not in it, but by its name in `missing`: its state may be another one by then.
   */
  async counts(names: readonly string[]): Promise<CountsOfPeers> {
    const parts = questionsOf(names);
    const found = new Map<string, { readonly answer: PeerCounts; readonly parts: number }>();
    const all = [...this.#known.values()];
    let asked: readonly Known[] = all;
    for (const part of parts) {
      const answers = await this.#askAll(`${countsPath}?deployments=${part}`, asked);
      // Who did not answer is not in the answer, and is not waited for once more.
      asked = asked.filter(({ peer }) => answers.has(peer.name));
      // A replica that is named by two addresses has counted once.
      const once = new Map([...answers.values()].map((value) => [(value as PeerCounts).instance, value as PeerCounts]));
      for (const answer of once.values()) {
        const before = found.get(answer.instance);
        found.set(answer.instance, {
          answer: { ...answer, deployments: [...(before?.answer.deployments ?? []), ...answer.deployments] },
          parts: (before?.parts ?? 0) + 1,
        });
      }
    }
    return {
      byInstance: new Map(
        [...found].flatMap(([instance, one]) => (one.parts === parts.length ? [[instance, one.answer] as const] : [])),
      ),
      missing: all.flatMap((one) => (one.isSelf || asked.includes(one) ? [] : [one.peer.name])),
    };
  }

  /**
   * What each of the others says to a path with its query: in the order in which they are known, each process once. One that was away a moment ago is not
   * waited for. What it answers here changes nothing in what is known of it: a version without this path is a good peer.
   */
  async askEach<T>(url: string, read: (value: unknown) => T | null): Promise<readonly PeerSaid<T>[]> {
    const { keys } = this;
    const said = new Map<Known, PeerSaid<T>>();
    const instances = new Set<string>();
    const waiting = this.#others().values();
    const turn = async (): Promise<void> => {
      for (const known of waiting) {
        const { name, state, sentence } = known.peer;
        if (keys === null || state !== "answering") {
          said.set(known, { name, value: null, sentence: sentence ?? "this replica has no key to ask it with" });
          continue;
        }
        const outcome = await this.#outside.call(known.replica, url, keys, known.challenge);
        if (outcome.kind !== "answer") {
          said.set(known, { name, value: null, sentence: outcome.sentence });
          continue;
        }
        known.challenge = outcome.challenge;
        const who = readPeerCounts(outcome.value, readArmCounts);
        const instance = who.kind === "said" ? who.said.instance : "";
        // A replica that is named by two addresses has counted once.
        if (instance === this.self || (instance !== "" && instances.has(instance))) continue;
        instances.add(instance);
        const value = who.kind === "said" && fits(this.#outside.version, who.said.version) ? read(outcome.value) : null;
        said.set(known, {
          name,
          value,
          sentence: value === null ? "its answer is not of the shape that this version reads" : null,
        });
      }
    };
    await Promise.all(Array.from({ length: together }, turn));
    return this.#others().flatMap((known) => said.get(known) ?? []);
  }

  #others(): readonly Known[] {
    return [...this.#known.values()].filter(({ isSelf }) => !isSelf);
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
    return { replica, peer, challenge: null, isSelf: false };
  }

  async #askAll(
    url: string,
    asked: readonly Known[] = [...this.#known.values()],
  ): Promise<ReadonlyMap<string, unknown>> {
    const { keys } = this;
    const answers = new Map<string, unknown>();
    if (keys === null) {
      for (const known of this.#others()) this.#enter(known, "away", "this replica has no key to ask it with");
      return answers;
    }
    const waiting = asked.values();
    const turn = async (): Promise<void> => {
      for (const known of waiting) {
        const value = await this.#askOne(known, url, keys);
        if (value !== null) answers.set(known.peer.name, value);
      }
    };
    await Promise.all(Array.from({ length: together }, turn));
    return answers;
  }

  /** What it says; null: nothing that counts. */
  async #askOne(known: Known, url: string, keys: PeerKeys): Promise<unknown> {
    const outcome = await this.#outside.call(known.replica, url, keys, known.challenge);
    if (outcome.kind !== "answer") {
      known.challenge = null;
      known.isSelf = false;
      this.#enter(known, outcome.kind, outcome.sentence);
      return null;
    }
    known.challenge = outcome.challenge;
    const said = readPeerCounts(outcome.value, readArmCounts);
    if (said.kind === "bad") {
      this.#enter(known, "garbage", said.sentence);
      return null;
    }
    const { instance, version, table } = said.said;
    known.isSelf = instance === this.self;
    if (known.isSelf) return null;
    const { version: own } = this.#outside;
    const isFitting = fits(own, version);
    known.peer = { ...known.peer, version, tableHash: table, lastSeenMs: this.#outside.epochMs() };
    if (!isFitting) {
      this.#enter(
        known,
        "other-version",
        `it runs version ${version}, and this replica ${own}: run versions that are at most one minor version apart`,
      );
      return null;
    }
    if (said.counts === null) {
      this.#enter(known, "garbage", "its answer is not of the shape that its version says");
      return null;
    }
    this.#enter(known, "answering", null);
    return said.counts;
  }

  #enter(known: Known, state: Peer["state"], sentence: string | null): void {
    const sinceMs = known.peer.state === state ? known.peer.sinceMs : this.#outside.epochMs();
    known.peer = { ...known.peer, state, sentence, sinceMs };
  }
}

/** Names as questions may have them, of as many names and bytes as a peer reads. */
function questionsOf(names: readonly string[]): readonly string[] {
  const questions: string[][] = [];
  let bytes = Infinity;
  for (const name of names) {
    if (!askedName.test(name)) continue;
    const written = encodeURIComponent(name.toWellFormed());
    bytes += written.length + 1;
    if (bytes > maxAskedBytes || questions.at(-1)!.length === maxAskedDeployments) {
      questions.push([]);
      bytes = written.length + 1;
    }
    questions.at(-1)!.push(written);
  }
  return questions.map((question) => question.join(","));
}

function addressOf({ host, port }: Replica): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
