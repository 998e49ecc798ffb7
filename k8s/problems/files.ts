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
  "bad-namespace": error(
    "An object has no usable `metadata.namespace` and is not read.",
    deployment("metadata.namespace: My Models"),
    "Write lower-case letters, digits and `-`, at most 63 characters.",
  ),
  "bad-name": error(
    "A name cannot be a name in Kubernetes: of an object, of a predictor, or in `seldon.io/svc-name`. What has the name is not served.",
    deployment("spec.predictors[1]: { name: Next_1, graph: { name: classifier } }"),
    "Write lower-case letters, digits and `-` between them.",
  ),
  "declared-twice": error(
    "Manifests declare the same object twice. Sluice serves the first one in the order of file names and lines.",
    file(`
${plainDeployment("iris", "models")}
---
${plainDeployment("iris", "models")}
`),
    "Remove one of the two.",
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
  "folder-too-deep": error(
    "Folders lie too deep inside each other. This one is not read.",
    situation("A link leads in a circle."),
    "Move the folder up, or remove the link.",
  ),
  "link-above": error(
    "A link leads to a folder around the one that is served. It is not followed.",
    situation("`manifests/all` is a link to `..`."),
    "Remove the link, or serve that folder.",
  ),
  "too-many-entries": error(
    "A folder has more files and folders than Sluice reads. Some are not read.",
    situation("The folder is the root of a file system."),
    "Remove what holds no manifests, or the link that leads there.",
  ),
  "file-too-large": error(
    "A file has more than 64 MiB. It is not read.",
    situation("A whole cluster was exported into one file."),
    "Split it into several files.",
  ),
  "too-many-documents": error(
    "A file has more than 100,000 documents. Sluice reads nothing from there on.",
    situation("A whole cluster was exported into one file."),
    "Split it into several files.",
  ),
  "document-too-large": error(
    "A document, or an item of a List, has more than 1 MiB. It is not read.",
    situation("A ConfigMap holds a model."),
    "Split it into documents of their own, or make it smaller.",
  ),
  "document-too-deep": error(
    "A document is nested deeper than 100 levels once its aliases are written out. It is not read.",
    situation("A YAML alias holds itself many times."),
    "Write it flatter.",
  ),
  "document-too-many-values": error(
    "A document has more than 200,000 values, or 4 MiB of text, once its aliases are written out. It is not read.",
    situation("YAML aliases of aliases of aliases."),
    "Use fewer aliases.",
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
  "too-many-secrets": error(
    "More than 256 Secrets are named for TLS and providers. Those beyond are not read, and TLS that needs them is not served.",
    situation("Each of 300 predictors names a Secret of its own."),
    "Name fewer.",
  ),
  "served-from-snapshot": warning(
    "The API server has not answered since the gateway started. It serves what it knew before.",
    situation("A gateway with `--snapshot` restarts while the API server is away."),
    "Restore the connection to the API server.",
  ),
} as const satisfies Readonly<Record<string, ProblemEntry>>;
