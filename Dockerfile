# Sluice, one container: docker build -t sluice .
# For other machines than this one: docker buildx build --platform linux/amd64,linux/arm64 -t sluice .
# With another base, such as a mirror's: --build-arg NODE_IMAGE=…
#
# Node runs the TypeScript sources as they are, so there is nothing to compile, and no package has native code: the first stage runs on the
# machine that builds and installs the runtime packages of the lock file, without what is for checkouts: development tools, what reads a
# kubeconfig, and the Node binary; the second runs nothing, so that an image for another processor needs no emulation.
#
# The base is the Node of the lock file, and its digest that of the list for all processors. To renew both: npm install --save-optional
# --save-exact the three packages of Node, then docker buildx imagetools inspect node:VERSION-bookworm-slim, whose Digest this is.
ARG NODE_IMAGE=node:26.10.0-bookworm-slim@sha256:662933cf47f013bc8e4beb31a6116448427a82057ba7c42c97e4c5ba766504c2
FROM --platform=$BUILDPLATFORM ${NODE_IMAGE} AS packages
WORKDIR /sluice
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && mkdir -p /command && ln -s /sluice/gateway/main.ts /command/sluice

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="A standalone ingress gateway for Seldon Core" \
      org.opencontainers.image.licenses="Apache-2.0"
# SIGUSR1 opens no inspector, not even while the gateway starts.
ENV NODE_ENV=production NODE_OPTIONS=--disable-sigusr1
WORKDIR /sluice
COPY --from=packages /command/ /usr/local/bin/
COPY --from=packages /sluice/node_modules ./node_modules
COPY package.json LICENSE ./
COPY gateway ./gateway
COPY routing ./routing
COPY k8s ./k8s
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
