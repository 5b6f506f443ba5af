#!/bin/sh
# `sql.sh STATEMENT`: its result, without names of columns.
exec mariadb --no-defaults --socket=/tmp/socket --user=root --skip-column-names --raw shop --execute "$1"
