#!/bin/sh
# Lets the server start, and asks until it says how many keys it has. `ask.sh TOKEN`
set -eu
echo go >/tmp/start
until redis-cli eval 'return "answered " .. ARGV[1] .. ": " .. redis.call("dbsize") .. " keys"' 0 "$1" \
    2>&1 | grep "answered $1"; do
    sleep 0.02
done
