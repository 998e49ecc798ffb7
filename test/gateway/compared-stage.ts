// A deployment with a shadow that is compared, for tests of whole processes.

/** `ports`: of each predictor, where it has several Endpoints all of them; the last one is the shadow. */
export function comparedManifest(
  name: string,
  ports: Readonly<Record<string, number | readonly number[]>>,
  rules: string,
  port: "http" | "grpc" = "http",
): string {
  const predictors = Object.keys(ports);
  const services = Object.entries(ports).map(
    ([predictor, numbers]) => `---
apiVersion: v1
kind: Service
metadata: { name: ${name}-${predictor}, namespace: prod }
spec:
  clusterIP: 10.0.0.1
  ports: [{ name: ${port}, port: ${port === "http" ? 8000 : 5001}, protocol: TCP }]
${[numbers]
  .flat()
  .map(
    (number, at) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${name}-${predictor}-${at}
  namespace: prod
  labels: { kubernetes.io/service-name: ${name}-${predictor}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports: [{ name: ${port}, port: ${number}, protocol: TCP }]
endpoints:
  - addresses: [127.0.0.1]
    conditions: { ready: true }
`,
  )
  .join("")}`,
  );
  return `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: ${name}, namespace: prod, annotations: ${JSON.stringify({ "sluice.io/compare": rules })} }
spec:
  predictors:
${predictors
  .map(
    (predictor, at) =>
      `    - { name: ${predictor}, ${at === predictors.length - 1 ? "shadow: true, " : ""}graph: { name: classifier, implementation: SKLEARN_SERVER } }\n`,
  )
  .join("")}${services.join("")}`;
}
