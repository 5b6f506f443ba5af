#!/bin/sh
# A PostgreSQL with a database of the API, as the official image makes one: from an empty directory.
set -eu
export PGDATA=/tmp/data LC_ALL=C
if [ "$(id -u)" = 0 ]; then exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0"; fi
echo "$DB_PASSWORD" > /tmp/password
initdb --username=api --pwfile=/tmp/password --auth=scram-sha-256 --no-sync >/dev/null
pg_ctl --wait --silent --options="-c listen_addresses='' -k /tmp" start >/dev/null
PGPASSWORD=$DB_PASSWORD psql --quiet --host=/tmp --username=api postgres -c 'CREATE DATABASE api'
pg_ctl --wait --silent stop >/dev/null
exec postgres -c listen_addresses='*' -k /tmp
