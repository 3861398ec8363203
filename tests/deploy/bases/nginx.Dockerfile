# Stands in for nginxinc/nginx-unprivileged: nginx, nc, and an entry point that renders /etc/nginx/templates at each start.
ARG DEBIAN
FROM ${DEBIAN}
RUN apt-get update && apt-get install --yes --no-install-recommends nginx-light gettext-base netcat-openbsd \
    && rm -rf /var/lib/apt/lists/* /etc/nginx/sites-enabled /etc/nginx/modules-enabled /etc/nginx/conf.d/*
COPY --chmod=0755 nginx-entrypoint.sh /docker-entrypoint.sh
ENTRYPOINT ["/docker-entrypoint.sh"]
