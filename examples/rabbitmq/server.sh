#!/bin/sh
# RabbitMQ on the state, as its images start it: whose the files are is a matter of the image.
set -eu
export PATH="/usr/lib/rabbitmq/bin:$PATH" # Debian's own commands in /usr/sbin change the user
if [ "$(id -u)" = 0 ]; then
    mkdir -p /state && chown -R rabbitmq /state
    exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups sh "$0"
fi
exec rabbitmq-server
