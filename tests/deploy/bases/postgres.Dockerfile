# Stands in for the official postgres image: listens everywhere, user 999, data and socket folders of its own, first start by the entry point.
ARG DEBIAN
FROM ${DEBIAN}
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid postgres --home-dir /var/lib/postgresql --no-create-home postgres \
    && apt-get update && install -d /etc/postgresql-common \
    && echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf \
    && apt-get install --yes --no-install-recommends postgresql && rm -rf /var/lib/apt/lists/* \
    && sed -i "s/^#listen_addresses = .*/listen_addresses = '*'/" /usr/share/postgresql/*/postgresql.conf.sample \
    && ln -s /usr/lib/postgresql/*/bin /usr/local/postgresql \
    && install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data && mkdir -p /docker-entrypoint-initdb.d
COPY --chmod=0755 postgres-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
ENV PATH=/usr/local/postgresql:$PATH PGDATA=/var/lib/postgresql/data
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["docker-entrypoint.sh"]
