"""A stage tells whoever supervises it that it is ready: ``tairyu up``, or systemd (``Type=notify``)."""

import os
import socket

VARIABLE = "NOTIFY_SOCKET"
READY = b"READY=1"


def tell_ready() -> None:
    """Says so once everything that can fail at a start has succeeded. Without a supervisor it has no effect."""
    address = os.environ.get(VARIABLE)
    if address:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(READY, f"\0{address[1:]}" if address.startswith("@") else address)
