#!/bin/sh
# Makes every secret of docker/compose.yaml, once: docker/make_secrets.sh desk.example.org [10.0.0.5 ...]
# The names and addresses given are those by which QMT hosts reach this server. Existing files are never replaced.
# The site's certificate is the internal authority's until you put your own in its place (certificate.pem, key.pem).
set -eu
umask 077
[ $# -ge 1 ] || { echo "usage: $0 HOST [NAME-OR-ADDRESS ...]" >&2; exit 2; }
site=$1
cd "$(dirname "$0")"
mkdir -p "${DESK_SECRETS:=secrets}"
cd "$DESK_SECRETS"

random() { openssl rand -base64 48 | tr -d '/+=\n' | cut -c1-48; }
once() { [ -e "$1" ] || printf '%s\n' "$2" > "$1"; }

for name in desk_secret_key desk_encryption_key postgres_password owner_password app_password valkey_password \
    valkey_admin_password; do
    once "$name" "$(random)"
done
for pair in database:desk quotes:quotes; do
    kind=${pair%%:*} database=${pair#*:}
    once "desk_${kind}_url" "postgresql://desk_app:$(cat app_password)@postgres:5432/$database"
    once "owner_${kind}_url" "postgresql://desk_owner:$(cat owner_password)@postgres:5432/$database"
done
once desk_redis_url "rediss://default:$(cat valkey_password)@valkey:6379/0"
[ -e valkey.conf ] || cat > valkey.conf <<END
bind * -::*
port 0
tls-port 6379
tls-cert-file /run/secrets/valkey.pem
tls-key-file /run/secrets/valkey.key
tls-ca-cert-file /run/secrets/internal_ca.pem
tls-auth-clients optional
aclfile /run/secrets/users.acl
save ""
appendonly no
dir /data
maxmemory 256mb
maxmemory-policy noeviction
END
# Digests only. The platform's user changes neither the server nor its users; QMT hosts get a line each.
digest() { printf %s "$(cat "$1")" | openssl dgst -sha256 -r | cut -d' ' -f1; }
[ -e users.acl ] || cat > users.acl <<END
user default on #$(digest valkey_password) ~* &* +@all -@admin -flushall -flushdb -swapdb
user admin on #$(digest valkey_admin_password) ~* &* +@all
END

# An authority of this installation: it vouches for PostgreSQL and Valkey, and for nothing else.
[ -e internal_ca.pem ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -keyout internal_ca.key -out internal_ca.pem -subj "/CN=QMT Desk internal authority" \
    -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign" 2>/dev/null

certify() { # file for the certificate, for the key, first name, more names or addresses
    certificate=$1 key=$2 first=$3
    [ ! -e "$certificate" ] || return 0
    shift 2
    names=""
    for name in "$@"; do
        case $name in
            *[!0-9.]*) names="$names,DNS:$name" ;;
            *) names="$names,IP:$name" ;;
        esac
    done
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$key" -out request.csr \
        -subj "/CN=$first" 2>/dev/null
    printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "${names#,}" > request.ext
    openssl x509 -req -in request.csr -CA internal_ca.pem -CAkey internal_ca.key -CAcreateserial -days 825 \
        -extfile request.ext -out "$certificate" 2>/dev/null
    rm -f request.csr request.ext
}
certify postgres.pem postgres.key postgres "$@"
certify valkey.pem valkey.key valkey 127.0.0.1 "$@"
certify certificate.pem key.pem "$site"

# Containers read them under fixed numbers: 10001 the platform, the proxy and Valkey, 999 PostgreSQL. The authority's key
# stays root's: take it off this machine.
if [ "$(id -u)" = 0 ]; then
    chown 10001:10001 desk_* owner_*_url internal_ca.pem certificate.pem key.pem valkey* users.acl
    chown 999:999 postgres* owner_password app_password
    chmod 700 .
else
    echo "Not root: give the files to 10001 (desk_* owner_*_url internal_ca.pem certificate.pem key.pem valkey* users.acl) and" >&2
    echo "999 (postgres* owner_password app_password) before you start." >&2
fi
echo "Secrets of $site are in $(pwd). Keep a copy of desk_encryption_key apart: without it stored secrets cannot be read."
