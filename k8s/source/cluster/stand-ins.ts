// Stand-ins: where EndpointSlices may not be read, the address of a Service stands in for its Endpoints: kube-proxy balances then.
import { arrayOf, fieldOf, recordOf, textOf } from '../../translate/value.ts';
import { ClusterObject } from './cluster-object.ts';

/** The slice that a Service's controller would write if the Service were its own only Endpoint; null for a headless Service, which has no address. */
export function standInOf(service: ClusterObject): ClusterObject | null {
  const spec = recordOf(fieldOf(recordOf(service.object), 'spec'));
  const address = textOf(fieldOf(spec, 'clusterIP'));
  if (address === '' || address === 'None') return null;
  const { namespace, name } = service.ref;
  const slice = {
    metadata: { labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' } },
    ports: arrayOf(fieldOf(spec, 'ports')).map((value) => {
      const port = recordOf(value);
      return { name: fieldOf(port, 'name'), port: fieldOf(port, 'port') };
    }),
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
  };
  return new ClusterObject({ ref: { kind: 'EndpointSlice', namespace, name: `${name}.cluster-ip` }, apiVersion: 'discovery.k8s.io/v1', uid: '', text: JSON.stringify(slice) });
}
