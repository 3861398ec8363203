#!/bin/sh
# What the official image's entry point does at the first start of a server that is not run as root.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    # shellcheck disable=SC2086 # several arguments
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-} --pgdata="$PGDATA"
    export POSTGRES_USER=postgres POSTGRES_DB=postgres PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"
    # On its socket only, and without the arguments that are for the real server's doors.
    pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start
    for script in /docker-entrypoint-initdb.d/*.sh; do
        if [ -x "$script" ]; then "$script"; else . "$script"; fi
    done
    pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop
    unset PGPASSWORD
fi
exec "$@"
