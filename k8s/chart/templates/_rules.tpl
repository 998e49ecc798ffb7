{{/* What the gateway does in the namespaces that it watches, verb by verb. Nothing here writes what routing reads. */}}
{{- define "sluice.rules" -}}
- apiGroups: [machinelearning.seldon.io]
  resources: [seldondeployments]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [services]
  verbs: [list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- if .Values.mappings }}
- apiGroups: [getambassador.io]
  resources: [mappings]
  verbs: [list, watch]
{{ include "sluice.platformRules" . }}
{{- end }}
# Problems are shown as Events on the object.
- apiGroups: [""]
  resources: [events]
  verbs: [get, create, patch]
{{- end }}
{{/* Objects that configure the whole gateway. */}}
{{- define "sluice.platformRules" -}}
- apiGroups: [getambassador.io]
  resources: [tlscontexts, modules, hosts, authservices, ratelimitservices]
  verbs: [list, watch]
{{- end }}
