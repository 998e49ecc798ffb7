// `sluice init`: a folder of manifests to begin with: a SeldonDeployment, and what a cluster would add to it.
import { existsSync, mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { command, type Outcome, type Use } from "../options/command.ts";
import { isNamespace, readNamespace, text } from "../options/option.ts";

const options = {
  folder: text("DIR", "folder to write to", "NAME"),
  namespace: { ...text("NAMESPACE", "namespace of the objects", "models", readNamespace), short: "n" },
};

export const init = command({
  forms: ["NAME PREDICTOR=PORT… [options]"],
  text: `Writes a folder that sluice serve can serve: a SeldonDeployment, and for each predictor the Service and the EndpointSlice that lead to a model on this
machine, at this port for REST and gRPC. Each predictor after the first gets 10 percent of the requests. It prints the lines to try, and replaces no file.
Exits 0 when it has written the folder, 1 when it cannot, 2 on wrong use.
`,
  options,
  words: [],
  run,
});

interface Predictor {
  readonly name: string;
  readonly port: number;
  readonly traffic: number;
}

/** Each after the first has a tenth of the requests. */
export const maxPredictors = 10;
/** Seldon's operator writes a digest in place of a longer name of a Service. */
export const maxServiceName = 63;

async function run({ values, positionals: [name, ...words] }: Use<typeof options>): Promise<Outcome> {
  const wrong = (sentence: string): Outcome => ({ kind: "wrong", sentence });
  if (name === undefined || words.length === 0)
    return wrong("it takes a name and predictors with their ports: write sluice init iris main=9000 canary=9001");
  if (!isNamespace(name))
    return wrong(`"${name}" is no name of a deployment: write lower-case letters, digits and -, at most 63`);
  if (words.length > maxPredictors) return wrong(`it writes at most ${maxPredictors} predictors: leave some out`);
  const predictors: Predictor[] = [];
  for (const [index, word] of words.entries()) {
    const [, predictor = "", digits] = /^([^=]*)=(\d{1,5})$/.exec(word) ?? [];
    const port = Number(digits);
    if (!isNamespace(predictor) || !(port >= 1 && port <= 65_535))
      return wrong(`"${word}" is no predictor with its port: write for example main=9000`);
    if (predictors.some((other) => other.name === predictor))
      return wrong(`the predictor ${predictor} is written twice: give each a name of its own`);
    if (`${name}-${predictor}`.length > maxServiceName)
      return wrong(
        `the Service ${name}-${predictor} would have a name of more than ${maxServiceName} characters: write shorter names`,
      );
    predictors.push({ name: predictor, port, traffic: index === 0 ? 110 - words.length * 10 : 10 });
  }
  const [folder, namespace] = [values.folder ?? name, values.namespace ?? "models"];
  const files = [
    [join(folder, `${name}.yaml`), deploymentText(namespace, name, predictors)],
    [join(folder, `${name}-services.yaml`), servicesText(namespace, name, predictors)],
  ] as const;
  const existing = files.find(([file]) => existsSync(file));
  if (existing !== undefined)
    return {
      kind: "failed",
      sentence: `${existing[0]} exists, and it replaces no file: write --folder with another folder, or move the file away`,
    };
  try {
    makeFolder(folder);
    for (const [file, content] of files) await writeFile(file, content, { flag: "wx" });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      kind: "failed",
      sentence: `it cannot write the folder ${folder} (${reason}): write --folder with another one`,
    };
  }
  return {
    kind: "done",
    text: linesToTry(
      files.map(([file]) => file),
      folder,
      namespace,
      name,
      predictors,
    ),
    form: "plain",
    code: 0,
  };
}

/** With the folders that it is in. Node's own recursive mkdir never ends below a folder that takes none, such as /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  mkdirSync(folder);
}

function deploymentText(namespace: string, name: string, predictors: readonly Predictor[]): string {
  const shares = predictors.length === 1 ? () => "" : ({ traffic }: Predictor) => `      traffic: ${traffic}\n`;
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  predictors:
${predictors.map((predictor) => `    - name: ${predictor.name}\n${shares(predictor)}      graph: { name: classifier }\n`).join("")}`;
}

function servicesText(namespace: string, name: string, predictors: readonly Predictor[]): string {
  const documents = predictors.map(
    ({ name: predictor, port }) => `apiVersion: v1
kind: Service
metadata: { name: ${name}-${predictor}, namespace: ${namespace} }
spec:
  ports: [{ name: http, port: 8000 }, { name: grpc, port: 5001 }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-${predictor}-1
  namespace: ${namespace}
  labels: { kubernetes.io/service-name: ${name}-${predictor} }
addressType: IPv4
ports: [{ name: http, port: ${port} }, { name: grpc, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`,
  );
  return `# In a cluster Seldon's operator writes the Services, and Kubernetes the EndpointSlices.\n${documents.join("---\n")}`;
}

function linesToTry(
  files: readonly string[],
  folder: string,
  namespace: string,
  name: string,
  predictors: readonly Predictor[],
): string {
  const shown = /^[\w./-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", `'\\''`)}'`;
  const models = predictors.map(
    ({ port }, index) => `  npx sluice model --port ${port} --model-version ${index === 0 ? 1 : 2}\n`,
  );
  return `wrote ${files.join(" and ")}

Start each of these in a terminal of its own:

${models.join("")}  npx sluice serve --folder ${shown}

Then ask:

  curl -d '{"data":{"ndarray":[[5.1,3.5,1.4,0.2]]}}' -H 'content-type: application/json' http://localhost:8080/seldon/${namespace}/${name}/api/v1.0/predictions
  npx sluice routes ${shown}
`;
}
