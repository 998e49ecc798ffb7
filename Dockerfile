# Sluice, one container: docker build -t sluice .
# For other machines than this one: docker buildx build --platform linux/amd64,linux/arm64 -t sluice .
# With another base, such as a mirror's: --build-arg NODE_IMAGE=…
# So that `sluice version` names the commit: --build-arg SLUICE_COMMIT=$(git rev-parse HEAD)
#
# What runs is the packed form (gateway/packing/pack.ts): the gateway with its packages as a few files of plain JavaScript. The first stage runs on the
# machine that builds: it installs what the lock file names, runs no script of a package, and packs. The second stage runs nothing, so that an image for
# another processor needs no emulation; it gets neither sources nor packages, whose licences are in packed/NOTICES.txt.
#
# The base is the Node of the lock file, and its digest that of the list for all processors. To renew both: npm install --save-optional
# --save-exact the three packages of Node, then docker buildx imagetools inspect node:VERSION-bookworm-slim, whose Digest this is.
ARG NODE_IMAGE=node:26.10.0-bookworm-slim@sha256:662933cf47f013bc8e4beb31a6116448427a82057ba7c42c97e4c5ba766504c2
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS packing
WORKDIR /sluice
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY gateway ./gateway
COPY routing ./routing
COPY k8s ./k8s
ARG SLUICE_COMMIT=
RUN node gateway/packing/main.ts && mkdir -p /command && ln -s /sluice/packed/main.js /command/sluice

FROM ${NODE_IMAGE}
ARG SLUICE_COMMIT=
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="A standalone ingress gateway for Seldon Core" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${SLUICE_COMMIT}"
# SIGUSR1 opens no inspector, not even while the gateway starts. Two arenas of glibc for all threads hold less than up to eight a core. No compile cache: of the
# packed form it saves nothing that was measured.
ENV NODE_ENV=production NODE_OPTIONS=--disable-sigusr1 MALLOC_ARENA_MAX=2
WORKDIR /sluice
COPY --from=packing /command/ /usr/local/bin/
COPY --from=packing /sluice/packed ./packed
COPY package.json LICENSE ./
# The image's own unprivileged user, by number so that Kubernetes can check runAsNonRoot. Nothing is written but what --snapshot names.
USER 1000:1000
# 8080: traffic. 8443: traffic over TLS, where asked for. 8877: health and metrics.
EXPOSE 8080 8443 8877
# The traffic port answers for the gateway itself; `fetch` because the slim image has no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/ambassador/v0/check_alive').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# exec form: SIGTERM reaches the gateway itself, which drains.
ENTRYPOINT ["sluice"]
CMD ["serve"]
