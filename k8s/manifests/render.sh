#!/bin/sh
# Renders the chart into plain manifests, one file for each in values/. A test holds them in step.
# Usage: render.sh [FOLDER]   FOLDER: where to write, default this one. HELM: the helm program, default helm.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-$here}
for values in "$here"/values/*.yaml; do
  name=$(basename "$values" .yaml)
  {
    echo "# Made from k8s/chart and values/$name.yaml by render.sh. Before it: kubectl create namespace sluice"
    sed -n '/^# /p' "$values"
    # Labels that say helm would be untrue of objects that kubectl applies.
    "${HELM:-helm}" template sluice "$here/../chart" --namespace sluice --values "$values" |
      sed -e '/^# Source: /d' -e '/^ *helm\.sh\/chart: /d' -e 's/\(app.kubernetes.io\/managed-by\): Helm$/\1: kubectl/' -e '/^$/d'
  } > "$folder/$name.yaml"
done
