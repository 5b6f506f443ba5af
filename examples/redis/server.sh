#!/bin/sh
# Writes a data set as this release writes it and, once it is asked to, starts on it. Only that
# start is timed. To gate with a copy of your own dump.rdb, put it into $data instead.
set -eu
data=/tmp/data
mkdir -p "$data"
redis-server --version

redis-server --dir "$data" --save "" >/dev/null &
until redis-cli ping >/dev/null 2>&1; do sleep 0.02; done
redis-cli eval 'for i = 1, ARGV[1] do redis.call("set", "key:" .. i, "value " .. i) end' 0 "$KEYS" >/dev/null
redis-cli shutdown save
wait

mkfifo /tmp/start
echo "data set saved"
read -r _ </tmp/start
exec redis-server --dir "$data" --save ""
