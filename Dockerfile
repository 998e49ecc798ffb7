# Sluice, one container: docker build -t sluice .
#
# Node runs the TypeScript sources as they are, so there is nothing to compile: the first stage installs the runtime packages of the
# lock file, without development tools and without the Node binary that the lock file brings for checkouts; the second holds them and the sources.
FROM node:26-bookworm-slim AS packages
WORKDIR /sluice
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:26-bookworm-slim
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="A standalone ingress gateway for Seldon Core" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production
WORKDIR /sluice
COPY --from=packages /sluice/node_modules ./node_modules
COPY package.json LICENSE ./
COPY gateway ./gateway
COPY routing ./routing
COPY k8s ./k8s
RUN ln -s /sluice/gateway/main.ts /usr/local/bin/sluice
# The image's own unprivileged user, by number so that Kubernetes can check runAsNonRoot.
USER 1000:1000
# 8080: traffic. 8877: health and metrics.
EXPOSE 8080 8877
# The traffic port answers for the gateway itself; `fetch` because the slim image has no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/ambassador/v0/check_alive').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# exec form: SIGTERM reaches the gateway itself, which drains.
ENTRYPOINT ["sluice"]
CMD ["serve"]
