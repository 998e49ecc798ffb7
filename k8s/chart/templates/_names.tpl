{{/* Name of everything in this release: the release's, with the chart's where that does not hold it. */}}
{{- define "sluice.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluice.labels" -}}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "sluice.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "sluice.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}
{{/* Not empty where there is a port for TLS. */}}
{{- define "sluice.tls" -}}
{{- if or .Values.tls.secretName .Values.tls.certificates .Values.tls.hosts }}yes{{ end -}}
{{- end }}

{{/* Not empty where replicas know each other: with rollouts, or where the values say so. */}}
{{- define "sluice.peers" -}}
{{- if or .Values.rollouts .Values.peers.enabled }}yes{{ end -}}
{{- end }}

{{/* The Secret with the token of the admin port: that of the values, or the one that peers.yaml makes; empty: there is none. */}}
{{- define "sluice.tokenSecret" -}}
{{- if .Values.admin.tokenSecret.name }}{{ .Values.admin.tokenSecret.name }}{{ else if include "sluice.peers" . }}{{ include "sluice.name" . }}-admin-token{{ end -}}
{{- end }}
