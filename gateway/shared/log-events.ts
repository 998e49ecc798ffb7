// Events of the log: the name of each line, its level and what it means, once. The log takes no others, and RUNBOOK.md has the table.

export type LogLevel = "info" | "warn" | "error";

export const logEvents = {
  access: ["info", "One request, with the fields above; `warn` if it failed"],
  listening: ["info", "Sluice is ready to serve at these addresses"],
  "not-ready": ["warn", "`/readyz` is 503: `sentence` says what Sluice waits for"],
  draining: ["info", "Sluice stops after this signal or fault"],
  drained: ["info", "The last answer has ended"],
  change: [
    "info",
    "Something changed, and `sentence` says what became of it: on how many workers it is live, or why not",
  ],
  problem: ["warn", "A Problem appeared (`sluice check` explains its code)"],
  "problems-not-logged": ["warn", "`count` more Problems appeared at once; `/api/v1/problems` has them"],
  "problems-not-followed": [
    "warn",
    "There are `count` more Problems than the log follows; `/api/v1/problems` has them",
  ],
  "events-forbidden": ["info", "Sluice may not write Events to these namespaces"],
  "source-stale": ["warn", "The API server is unreachable; Sluice serves what it knows"],
  "source-current": ["info", "The API server is reachable again"],
  "snapshot-read": ["info", "Sluice serves `--snapshot` until it reaches the API server"],
  "snapshot-not-read": ["warn", "Sluice could not read `--snapshot`"],
  "snapshot-not-written": ["warn", "Sluice could not write `--snapshot`"],
  leader: [
    "info",
    "Another replica leads, this one (`self`) or none (`leader` is null): the leader decides about releases",
  ],
  "leader-unknown": [
    "warn",
    "Sluice could not ask which replica leads, and tries again; meanwhile no release goes on here",
  ],
  "releases-record-unwritten": ["warn", "Sluice could not write the record of releases, and tries again"],
  "open-claims": ["warn", "Any namespace may claim any prefix or host: give `--grants`"],
  certificates: ["info", "Sluice serves this set of certificates from now on"],
  "grants-changed": ["info", "Sluice read new Grants, and the control worker restarts with them"],
  "grants-refused": ["error", "The new Grants are invalid; Sluice keeps those from before"],
  "oauth-key-refused": ["error", "The file of --oauth-key has no keys; Sluice keeps those from before"],
  "reading-again": ["info", "SIGHUP: Sluice reads certificates, keys and Grants again"],
  "signal-ignored": ["warn", "A signal that Sluice does not act on"],
  store: ["info", "Where tokens and shared limits are kept"],
  "redis-ready": ["info", "A worker is connected to Redis"],
  "redis-away": ["warn", "A worker lost Redis: `sentence` says why"],
  "gateway-fault": [
    "error",
    "A bug of the gateway. Report it with its `stack`. A request that met it failed with the flag UX, or with 500 at the admin port; an object that met it is not served, and has the Problem `gateway-fault`",
  ],
  "gateway-faults-left-out": ["error", "`count` more lines `gateway-fault` were left out in a second"],
  "worker-ended": ["error", "A thread ended, and Sluice replaced it. Report it as a bug"],
  "worker-stalled": ["error", "Sluice replaces a thread whose event loop was blocked; `stack` says where"],
  "worker-paused": ["warn", "A thread's event loop was blocked for a while; `stack` says where"],
  "thread-failed": ["error", "A thread could not start, or failed: `sentence` says why"],
  "table-write-torn": ["warn", "A control worker ended while it wrote a table; nobody reads what it left"],
} as const satisfies Readonly<Record<string, readonly [level: LogLevel, meaning: string]>>;

export type LogEvent = keyof typeof logEvents;

export function levelOf(event: LogEvent): LogLevel {
  return logEvents[event][0];
}

/** Takes a line; its level is that of the event if none is given. */
export type WriteLine = (event: LogEvent, fields: Readonly<Record<string, unknown>>, level?: LogLevel) => void;
