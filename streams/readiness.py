"""A stage tells that it is ready (``tairyu up``, or systemd with ``Type=notify``), and that its loop turns (``streams.health``)."""

import os
import socket
import time

VARIABLE = "NOTIFY_SOCKET"
READY = b"READY=1"


class _Life:
    ready = False
    turned_s = time.monotonic()


def tell_ready() -> None:
    """Says so once everything that can fail at a start has succeeded. Without a supervisor only ``is_ready`` knows."""
    _Life.ready = True
    address = os.environ.get(VARIABLE)
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(READY, f"\0{address[1:]}" if address.startswith("@") else address)


def tell_turn() -> None:
    """The stage's loop has come round."""
    _Life.turned_s = time.monotonic()


def is_ready() -> bool:
    return _Life.ready


def stands_still_s() -> float:
    """Since the loop last came round; at first, since the start."""
    return time.monotonic() - _Life.turned_s
