#!/bin/sh
# What the official image's 20-envsubst-on-templates.sh does: variables that pass the filter, and no others.
set -eu
named=$(env | sed -n 's/^\([A-Za-z0-9_]*\)=.*/\1/p' | grep -E "${NGINX_ENVSUBST_FILTER:-}" | sed 's/.*/${&}/' | tr '\n' ' ')
for template in /etc/nginx/templates/*.template; do
    envsubst "$named" < "$template" > "/etc/nginx/conf.d/$(basename "$template" .template)"
done
exec "$@"
