#!/usr/bin/env bash
# Installs the peers and clients that Debian packages: HAProxy, nginx, wrk.
# Pinned to an upstream version (the Debian revision may move with security fixes). Does nothing when all are there.
set -euo pipefail

declare -A pinned=([haproxy]=2.6.12 [nginx-light]=1.22.1 [libnginx-mod-http-echo]=1:0.63 [wrk]=4.1.0)

wanted=()
for package in "${!pinned[@]}"; do
  installed=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null || true)
  [[ $installed == "${pinned[$package]}"* ]] || wanted+=("$package=${pinned[$package]}*")
done

if ((${#wanted[@]})); then
  apt-get update -qq
  # A machine that starts services would start a proxy on port 80: the packages only bring the programs.
  policy=/usr/sbin/policy-rc.d
  made=no
  if [[ ! -e $policy ]]; then printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod +x "$policy"; made=yes; fi
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
  [[ $made == no ]] || rm -f "$policy"
fi

haproxy -v | head -1
nginx -v
wrk -v 2>&1 | head -1 || true
