// The Status of all replicas as one: is the gateway well, and what is wrong first? Tables that differ are wrong as well.
import { troubleKinds, type JoinedStatus, type ReplicaStatus, type Status, type Trouble } from "../../api/status.ts";

/** `replicas`: the one that answers first. */
export function joinedStatus(own: Status, replicas: readonly ReplicaStatus[]): JoinedStatus {
  const there = replicas.flatMap(({ name, status }) => (status === null ? [] : [{ name, status }]));
  const troubles: Trouble[] = [];
  for (const kind of troubleKinds) {
    if (kind === "tables-differ" && tablesDiffer(there.map(({ status }) => status)))
      troubles.push({
        kind,
        sentence: "The replicas serve different tables: the one that is behind says why in its log (source-stale).",
      });
    // A replica that answered a moment ago; one that comes or goes is away for a while.
    if (kind === "peer-away")
      for (const { name, status, sentence } of replicas)
        if (status === null && own.peers?.peers.find((one) => one.name === name)?.state === "answering")
          troubles.push({ kind, sentence: `${name} does not say how it is: ${sentence ?? ""}.` });
    // A trouble that several replicas name is named once.
    const said = new Map<string, string[]>();
    for (const { name, status } of there)
      for (const trouble of status.troubles)
        if (trouble.kind === kind) said.set(trouble.sentence, [...(said.get(trouble.sentence) ?? []), name]);
    for (const [sentence, names] of said)
      troubles.push({
        kind,
        sentence: names.length === replicas.length ? sentence : `${names.join(", ")}: ${sentence}`,
      });
  }
  return { ...own, isWell: troubles.length === 0, first: troubles[0]?.sentence ?? null, troubles, replicas };
}

/** Do replicas that have a table have different ones? */
function tablesDiffer(there: readonly Status[]): boolean {
  return new Set(there.flatMap(({ table: { hash } }) => (hash === "" ? [] : [hash]))).size > 1;
}
