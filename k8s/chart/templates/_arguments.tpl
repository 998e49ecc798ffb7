{{/* Arguments of the container. */}}
{{- define "sluice.arguments" -}}
{{- $arguments := list "serve" "--snapshot=/var/lib/sluice/last-good" (printf "--workers=%v" (int .Values.workers)) -}}
{{- range .Values.ambassadorIds }}{{ $arguments = append $arguments (printf "--ambassador-id=%s" .) }}{{ end -}}
{{- range .Values.watch.namespaces }}{{ $arguments = append $arguments (printf "--namespace=%s" .) }}{{ end -}}
{{- if .Values.watch.single }}{{ $arguments = append $arguments "--single-namespace" }}{{ end -}}
{{- if .Values.mappings }}{{ $arguments = append $arguments "--mappings" }}{{ end -}}
{{- $arguments = append $arguments (printf "--claims=%s" .Values.claims) -}}
{{- if .Values.rollouts }}{{ $arguments = append $arguments (printf "--releases-record=%s/%s-releases" .Release.Namespace (include "sluice.name" .)) }}{{ end -}}
{{- $arguments = append $arguments (printf "--gateway-namespace=%s" .Release.Namespace) -}}
{{- $arguments = append $arguments (printf "--bare-names=%s" (ternary "on" "off" .Values.bareNames)) -}}
{{- $arguments = append $arguments (printf "--dial=%s" .Values.dial) -}}
{{- if not (kindIs "invalid" .Values.trustedHops) }}{{ $arguments = append $arguments (printf "--trusted-hops=%v" (int .Values.trustedHops)) }}{{ end -}}
{{- if .Values.proxyProtocol.ports }}{{ $arguments = append $arguments (printf "--proxy-protocol=%s" .Values.proxyProtocol.ports) }}{{ end -}}
{{- range .Values.proxyProtocol.from }}{{ $arguments = append $arguments (printf "--proxy-protocol-from=%s" .) }}{{ end -}}
{{- $arguments = append $arguments (printf "--access-log=%s" .Values.accessLog) -}}
{{- $arguments = append $arguments (printf "--drain-wait-ms=%d" (mul .Values.drain.waitSeconds 1000)) -}}
{{- $arguments = append $arguments (printf "--drain-grace-ms=%d" (mul .Values.drain.graceSeconds 1000)) -}}
{{- $admin := printf "%s-admin" (include "sluice.name" .) -}}
{{- range concat (list $admin (printf "%s.%s" $admin .Release.Namespace) (printf "%s.%s.svc" $admin .Release.Namespace) (printf "%s.%s.svc.cluster.local" $admin .Release.Namespace)) .Values.admin.hosts }}{{ $arguments = append $arguments (printf "--admin-host=%s" .) }}{{ end -}}
{{- if ne .Values.admin.viewers "policy" }}{{ $arguments = append $arguments (printf "--admin-viewers=%s" .Values.admin.viewers) }}{{ end -}}
{{- if .Values.grants }}{{ $arguments = append $arguments "--grants=/etc/sluice/grants/grants.yaml" }}{{ end -}}
{{- if .Values.policy }}{{ $arguments = append $arguments "--policy=/etc/sluice/policy/policy.yaml" }}{{ end -}}
{{- if include "sluice.peers" . }}{{ $arguments = append $arguments (printf "--peers=%s/%s-peers" .Release.Namespace (include "sluice.name" .)) }}{{ end -}}
{{- if .Values.redis.url }}{{ $arguments = append $arguments (printf "--redis=%s" .Values.redis.url) }}{{ end -}}
{{- if and .Values.redis.url .Values.redis.passwordSecret.name }}{{ $arguments = append $arguments (printf "--redis-password-file=/etc/sluice/redis/%s" .Values.redis.passwordSecret.key) }}{{ end -}}
{{- if include "sluice.tls" . }}{{ $arguments = append $arguments "--tls-listen=:8443" }}{{ end -}}
{{- if .Values.tls.secretName }}{{ $arguments = concat $arguments (list "--tls-cert=/etc/sluice/tls/tls.crt" "--tls-key=/etc/sluice/tls/tls.key") }}{{ end -}}
{{- if .Values.tls.certificates }}{{ $arguments = append $arguments "--tls-certs=/etc/sluice/certificates" }}{{ end -}}
{{- if .Values.tls.ticketKeysSecret.name }}{{ $arguments = append $arguments (printf "--tls-ticket-keys=/etc/sluice/ticket-keys/%s" .Values.tls.ticketKeysSecret.key) }}{{ end -}}
{{- if .Values.puidKeySecret.name }}{{ $arguments = append $arguments (printf "--puid-key=/etc/sluice/puid-key/%s" .Values.puidKeySecret.key) }}{{ end -}}
{{- if .Values.oauthKeySecret.name }}{{ $arguments = append $arguments (printf "--oauth-key=/etc/sluice/oauth-key/%s" .Values.oauthKeySecret.key) }}{{ end -}}
{{- range $name, $value := .Values.options -}}
{{- if kindIs "slice" $value -}}
{{- range $value }}{{ $arguments = append $arguments (printf "--%s=%v" $name .) }}{{ end -}}
{{- else if kindIs "bool" $value -}}
{{- if $value }}{{ $arguments = append $arguments (printf "--%s" $name) }}{{ end -}}
{{- else if kindIs "float64" $value -}}
{{- $arguments = append $arguments (printf "--%s=%d" $name (int64 $value)) -}}
{{- else -}}
{{- $arguments = append $arguments (printf "--%s=%v" $name $value) -}}
{{- end -}}
{{- end -}}
{{- toYaml $arguments -}}
{{- end }}
