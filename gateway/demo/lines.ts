// What the demo prints for people to copy.
import { join } from "node:path";
import { annotatedFile, demoKey, namespace, rolloutFile } from "./manifests.ts";
import { deploymentPath, flower } from "./predictions.ts";
import { predictMethod } from "./methods.ts";
import { tensorMessage } from "./seldon-messages.ts";

/** KServe's V2 protocol. */
const v2Payload =
  '{"model_name":"classifier","inputs":[{"name":"predict","datatype":"FP64","shape":[1,4],"contents":{"fp64_contents":[7.0,3.2,4.7,1.4]}}]}';

/** Lines for a shell beside the running demo: the requests of Seldon's documents, an edit that moves a canary, and what the gateway says of itself. */
export function linesToCopy(base: string, admin: string, folder: string, policy: string): string {
  const json = "-H 'Content-Type: application/json'";
  const payload = '{"data":{"ndarray":[[7.0,3.2,4.7,1.4]]}}';
  const predictions = (deployment: string): string => `${base}${deploymentPath(deployment, "api/v1.0/predictions")}`;
  const edited = join(folder, annotatedFile);
  const host = base.replace("http://", "");
  return `
It stays up until Ctrl-C. Lines to copy into another terminal, in this directory:

  # a prediction, in both forms
  curl -s ${predictions("iris")} ${json} -d '${payload}'
  curl -s ${base}${deploymentPath("iris", "api/v0.1/predictions")} ${json} -d '{"data":{"names":["a","b","c","d"],"tensor":{"shape":[1,4],"values":[7.0,3.2,4.7,1.4]}}}'

  # the same over gRPC, with the deployment in the metadata: by grpcurl, which asks the model how to write its messages, in Seldon's two forms
  # and in KServe's V2 protocol; or by curl, with a message written by hand (its answer is binary: the image's name, the names of the classes, their probabilities)
  grpcurl -plaintext -H 'seldon: iris' -H 'namespace: ${namespace}' -d '{"data":{"tensor":{"shape":[1,4],"values":[7.0,3.2,4.7,1.4]}}}' ${host} seldon.protos.Seldon/Predict
  grpcurl -plaintext -H 'seldon: iris' -H 'namespace: ${namespace}' -d '${payload}' ${host} seldon.protos.Seldon/Predict
  grpcurl -plaintext -H 'seldon: iris' -H 'namespace: ${namespace}' -d '${v2Payload}' ${host} inference.GRPCInferenceService/ModelInfer
  printf '${grpcBody()}' | curl -s --http2-prior-knowledge --data-binary @- -H 'content-type: application/grpc' -H 'te: trailers' -H 'seldon: iris' -H 'namespace: ${namespace}' ${base}${predictMethod.path} | strings

  # feedback, metadata, health
  curl -s ${base}${deploymentPath("iris", "api/v1.0/feedback")} ${json} -d '{"request":${payload},"reward":1}'
  curl -s ${base}${deploymentPath("iris", "api/v1.0/metadata/classifier")}
  curl -s ${base}${deploymentPath("iris", "api/v1.0/health/status")}

  # the header route, and the custom Mapping
  curl -s ${predictions("iris-header")} -H 'location: london' ${json} -d '${payload}'
  curl -s ${base}/mycompany/ml/api/v1.0/predictions ${json} -d '${payload}'

  # the deployment that asks who calls: without a key, and with it; who may call what
  curl -si ${predictions("iris-private")} ${json} -d '${payload}'
  curl -s ${predictions("iris-private")} -H 'x-api-key: ${demoKey}' ${json} -d '${payload}'
  npx sluice who --url ${admin}

  # who answers of 100: version 1 or 2? Then move the canary, live, and ask again with the first line
  for i in $(seq 100); do curl -s ${predictions("iris-annotated")} ${json} -d '${payload}'; done | grep -o 'iris:[12]' | sort | uniq -c
  sed -i.bak 's/main=50,canary=50/main=5,canary=95/' ${edited}

  # a sticky canary: a caller stays with its version, whatever its share does to others; whose ground it is on
  for i in $(seq 10); do curl -s ${predictions("iris-annotated")} -H 'x-user: alice' ${json} -d '${payload}'; done | grep -o 'iris:[12]' | sort | uniq -c
  npx sluice explain -X POST -H 'x-user: alice' ${deploymentPath("iris-annotated", "api/v1.0/predictions")} --url ${admin}

  # compared shadows: where version 2, as a shadow, answers otherwise than version 1
  npx sluice compare ${namespace}/iris-shadow --url ${admin}

  # rollouts: one that was promoted, and one that was rolled back. How far each has come, and what was decided when
  npx sluice rollout --url ${admin}
  npx sluice changes ${namespace}/iris-rollout --url ${admin}

  # the one that was rolled back begins anew when its annotation changes: 20 %, 50 % and 100 %, 10 s each, while requests come (the second line, until Ctrl-C).
  # In a third terminal the bar moves with the shares
  sed -i.bak 's/errors ≤ 5%/errors ≤ 4%/' ${join(folder, rolloutFile)}
  while curl -s ${predictions("iris-rollout")} ${json} -d '${payload}' | grep -o 'iris:[12]'; do :; done
  npx sluice watch ${namespace}/iris-rollout --url ${admin}

  # a bandit: send feedback with the answer, whose meta.puid names the model that gave it. These 100 reward version 1 alone, so its share grows again, every 10 s
  for i in $(seq 100); do a=$(curl -s ${predictions("iris-bandit")} ${json} -d '${payload}'); curl -s ${base}${deploymentPath("iris-bandit", "api/v1.0/feedback")} ${json} -d '{"response":'"$a"',"reward":'$(echo "$a" | grep -c iris:1)'}' > /dev/null; done
  npx sluice rollout ${namespace}/iris-bandit --url ${admin}

  # why: which route, which predictor, what is wrong; and the numbers
  npx sluice explain -X POST ${deploymentPath("iris-canary", "api/v1.0/predictions")} --url ${admin}
  npx sluice routes ${folder}
  npx sluice check ${folder} --policy ${policy}
  curl -s ${admin}/metrics | grep sluice_requests_total

  # with Seldon's Python client (pip install seldon-core)
  python3 -c "from seldon_core.seldon_client import SeldonClient as C; print(C(gateway='ambassador', gateway_endpoint='${host}', namespace='${namespace}', deployment_name='iris').predict(shape=(1, 4)))"
`;
}

/** A message for a shell's printf, every byte in octal: a flag, its length in four bytes, and itself (gRPC's Length-Prefixed-Message). */
function grpcBody(): string {
  const message = predictMethod.requestSerialize(tensorMessage([flower]));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return [...prefix, ...message].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
}
