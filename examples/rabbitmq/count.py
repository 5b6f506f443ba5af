"""Asks a broker, as a client does, how many messages a queue has, and for one of them.

    count.py QUEUE MESSAGES

Ends with 0 if there are as many. AMQP 0-9-1, as far as that takes; a boot needs no package for it.
"""

from __future__ import annotations

import socket
import struct
import sys

queue, wanted = sys.argv[1].encode(), int(sys.argv[2])


def short(text: bytes) -> bytes:
    return bytes([len(text)]) + text


def send(channel: int, method: tuple[int, int], arguments: bytes) -> None:
    body = struct.pack(">HH", *method) + arguments
    stream.write(struct.pack(">BHL", 1, channel, len(body)) + body + b"\xce")
    stream.flush()


def expect(*method: int) -> bytes:
    """The arguments of the broker's next method, which must be this one."""
    _, _, size = struct.unpack(">BHL", stream.read(7))
    body = stream.read(size + 1)[:-1]
    if struct.unpack(">HH", body[:4]) != method:
        sys.exit(f"the broker says {body[7 : 7 + body[6]].decode()}")  # as it closes a channel
    return body[4:]


with socket.create_connection(("127.0.0.1", 5672), 20) as connection:
    stream = connection.makefile("rwb")
    stream.write(b"AMQP\0\0\x09\x01")
    stream.flush()
    expect(10, 10)  # connection.start
    login = b"\0guest\0guest"
    start = struct.pack(">L", 0) + short(b"PLAIN") + struct.pack(">L", len(login)) + login
    send(0, (10, 11), start + short(b"en_US"))
    send(0, (10, 31), expect(10, 30))  # connection.tune
    send(0, (10, 40), short(b"/") + b"\0\0")
    expect(10, 41)
    send(1, (20, 10), b"\0")
    expect(20, 11)
    send(1, (50, 10), b"\0\0" + short(queue) + b"\x01" + struct.pack(">L", 0))  # passive
    answer = expect(50, 11)
    (messages,) = struct.unpack(">L", answer[1 + answer[0] : 5 + answer[0]])
    send(1, (60, 70), b"\0\0" + short(queue) + b"\0")  # basic.get, which is not acknowledged
    if messages:
        expect(60, 71)
    print(f"{queue.decode()}: {messages} messages")
    sys.exit(messages != wanted)
