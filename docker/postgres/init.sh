#!/bin/sh
# Runs once, when the server's data folder is made.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$(cat /run/secrets/owner_password)" \
    --set app_password="$(cat /run/secrets/app_password)" \
    --file /etc/postgresql/roles.sql
