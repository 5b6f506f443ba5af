#!/bin/sh
# MariaDB as its official image starts it: makes a database where there is none, upgrades an older one.
set -eu
if [ "$(id -u)" = 0 ]; then
    install -d -o mysql "$DATADIR"
    exec setpriv --reuid=mysql --regid=mysql --init-groups sh "$0"
fi
fill=
if [ ! -d "$DATADIR/mysql" ]; then
    fill=yes
    mariadb-install-db --no-defaults --datadir="$DATADIR" --auth-root-authentication-method=normal --skip-test-db \
        --innodb-log-file-size=8M >/dev/null
fi
{
    until mariadb-admin --no-defaults --socket=/tmp/socket --user=root ping >/dev/null 2>&1; do sleep 0.05; done
    if [ -n "$fill" ]; then
        { echo "SET @rows = $ROWS;"; cat "$(dirname "$0")/shop.sql"; } |
            mariadb --no-defaults --socket=/tmp/socket --user=root
    fi
    mariadb-upgrade --no-defaults --socket=/tmp/socket --user=root --silent
    echo "the data are those of this release"
} &
exec mariadbd --no-defaults --datadir="$DATADIR" --socket=/tmp/socket --skip-networking \
    --innodb-log-file-size=8M --innodb-buffer-pool-size=64M
