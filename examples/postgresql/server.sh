#!/bin/sh
# Leaves a data directory as a crash leaves it, with rows that only the log of writes (WAL) has,
# and starts on it once it is asked to. Only that start is timed.
set -eu
if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0"
fi
data=/tmp/data
# No checkpoint may bring the rows into the tables' own files before the crash.
server="-c unix_socket_directories=/tmp -c checkpoint_timeout=1h -c max_wal_size=8GB"
postgres --version

initdb --pgdata "$data" --username postgres --auth trust --no-sync >/dev/null
pg_ctl start --wait --silent --pgdata "$data" --options "$server -c fsync=off" >/dev/null 2>&1
psql --quiet --host /tmp --username postgres >/dev/null <<SQL
checkpoint;
create table items as
    select n as id, md5(n::text) as name, now() as since from generate_series(1, $ROWS) as n;
create index on items (name);
SQL
pg_ctl stop --mode immediate --silent --pgdata "$data"

mkfifo -m 666 /tmp/start
echo "data directory left by a crash"
read -r _ </tmp/start
# shellcheck disable=SC2086 # these are words
exec postgres -D "$data" $server
