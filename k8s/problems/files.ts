// Problem codes of files, folders and the cluster: where objects come from.
import {
  deployment,
  either,
  error,
  file,
  info,
  plainDeployment,
  type ProblemEntry,
  situation,
  warning,
} from "./entry.ts";

export const fileProblems = {
  "bad-yaml": error(
    "A document is not valid YAML. It is not read, and its last good objects stay.",
    file("spec: { predictors: ["),
    "Correct it at the line and column of the Problem.",
  ),
  "bad-json": error(
    "A file or an item is not valid JSON, or has a key twice. It is not read, and its last good objects stay.",
    situation("A file ends in `.json` and has a comma too many."),
    "Correct it at the line and column of the Problem.",
  ),
  template: error(
    "A file is a template, for example of Helm. It is not read.",
    file("kind: {{ .Values.kind }}"),
    "Render it first: `helm template`.",
  ),
  "not-utf8": error(
    "A file is not UTF-8 text. It is not read.",
    situation("A manifest was saved as Latin-1 or UTF-16."),
    "Save it as UTF-8.",
  ),
  "not-a-manifest": info(
    "A YAML or JSON file is no manifest: Helm values, a kustomization or the like. It is not read.",
    situation("A folder of manifests also holds `values.yaml`."),
    "Nothing, or move the file out of the folder.",
  ),
  "not-an-object": warning(
    "A document is not a Kubernetes object. It is passed over.",
    file("metadata: { name: iris }"),
    "Write apiVersion, kind and metadata, or move the file out of the folder.",
  ),
  "bad-name": error(
    "A name cannot be a name in Kubernetes: of an object, its namespace, or a predictor, or in `seldon.io/svc-name`. What has the name is not served.",
    deployment("spec.predictors[1]: { name: Next_1, graph: { name: classifier } }"),
    "Write lower-case letters, digits and `-` between them, at most 63.",
  ),
  "declared-twice": error(
    "Two objects, two predictors of one object, or two Mappings of one object have the same name. Of objects Sluice serves the first one, of Mappings the last one; a SeldonDeployment with two such predictors keeps its last good form, and without one is not served.",
    file(`
${plainDeployment("iris", "models")}
---
${plainDeployment("iris", "models")}
`),
    "Remove one of the two, or give each a name of its own.",
  ),
  "unreadable-file": error(
    "A file cannot be read: no permission, a link that leads nowhere, a pipe or a device. Its last good objects stay.",
    situation("The gateway's user may not read a file of the folder."),
    "Make it readable, or remove it.",
  ),
  "unreadable-folder": error(
    "A folder cannot be listed. Its last good objects stay. Certificates of a `--tls-certs` folder do not stay.",
    situation("The gateway's user may not list the folder."),
    "Make it readable.",
  ),
  "unwatched-folder": warning(
    "The kernel has no watch left for a folder. Sluice reads it at intervals, so changes take longer.",
    situation("`fs.inotify.max_user_watches` is used up."),
    "Raise `fs.inotify.max_user_watches`.",
  ),
  "folder-gone": error(
    "The folder that is served is gone. Its last objects stay.",
    situation("A volume was unmounted while the gateway runs."),
    "Bring it back, or stop the gateway.",
  ),
  "link-above": error(
    "A link leads to a folder around the one that is served. It is not followed.",
    situation("`manifests/all` is a link to `..`."),
    "Remove the link, or serve that folder.",
  ),
  "nothing-read": error(
    "`sluice check` found no object that routing reads, or only objects of another ambassador-id.",
    file("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: empty, namespace: models }"),
    "Name the files or namespaces with the SeldonDeployments, or write `--ambassador-id`.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;

export const clusterProblems = {
  "api-server-away": warning(
    "The API server cannot be read. What the gateway knows stays, and it tries again without end.",
    situation("The API server restarts, or the network to it is down."),
    "Restore the connection. The gateway needs nothing more.",
  ),
  "resource-forbidden": either(
    ["error", "warning"],
    "The gateway's ServiceAccount may not read a kind of object. What the gateway knows of it stays. `warning`: Sluice serves without this kind.",
    situation("The ClusterRole of the chart was not installed."),
    "Grant `get`, `list` and `watch` of the resource.",
  ),
  "resource-absent": either(
    ["info", "warning"],
    "The cluster has no such kind, because its CRD is not installed. `warning`: SeldonDeployments are missing.",
    situation("A cluster without Ambassador's CRDs."),
    "Nothing, or install the CRD. The gateway finds it within seconds.",
  ),
  "removal-held": warning(
    "More than half of 20 or more objects vanished at once. Sluice keeps serving them and asks again after about a minute.",
    situation("Somebody deleted a CRD, or restored an old backup of etcd."),
    "Nothing, if you removed them. Otherwise restore them within that minute.",
  ),
  "object-unreadable": error(
    "Objects have no name, are longer than 4 MiB, or are nested deeper than 100 levels. They are passed over.",
    situation("A Secret of many megabytes."),
    "Make them smaller.",
  ),
  "served-from-snapshot": warning(
    "The API server has not answered since the gateway started. It serves what it knew before.",
    situation("A gateway with `--snapshot` restarts while the API server is away."),
    "Restore the connection to the API server.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
