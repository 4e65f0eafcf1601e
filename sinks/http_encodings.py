"""How bodies travel: what a client asked for goes out compressed, what it sends gzipped comes in, up to a size. Pure."""

import zlib
from collections.abc import Callable, Mapping

import cramjam

LARGEST = 64 * 1024 * 1024
"""Bytes of a request, unpacked: it is held in the memory of the process that writes history."""
PACKS: Mapping[str, Callable[[bytes], bytes]] = {
    "zstd": lambda body: bytes(cramjam.zstd.compress(body, 3)),
    "lz4": lambda body: bytes(cramjam.lz4.compress(body)),
    "gzip": lambda body: bytes(cramjam.gzip.compress(body, 3)),
    "deflate": lambda body: bytes(cramjam.zlib.compress(body, 3)),
}
"""Content-Encoding -> how; the first of them that a client takes is given."""
UNPACKS = {"identity": None, "gzip": 31, "deflate": 15}
"""Content-Encoding -> zlib's window bits."""


class TooLarge(ValueError):
    """The body is larger than ``LARGEST``."""


def packing(accepted: str) -> str | None:
    """The encoding for an ``Accept-Encoding``; None: as it is."""
    offers = [offer.replace(" ", "").lower().partition(";") for offer in accepted.split(",")]
    taken = {name for name, _, weight in offers if weight not in ("q=0", "q=0.0", "q=0.00", "q=0.000")}
    return next((name for name in PACKS if name in taken), None)


def unpacked(body: bytes, encoding: str) -> bytes:
    """KeyError for an encoding that is not taken here, TooLarge, ValueError if the body is not encoded so."""
    bits = UNPACKS[encoding]
    if bits is not None:
        unpacker = zlib.decompressobj(bits)
        try:
            body = unpacker.decompress(body, LARGEST + 1)
        except zlib.error as error:
            raise ValueError(str(error)) from error
        if not unpacker.eof and len(body) <= LARGEST:
            raise ValueError("it ends too early")
    if len(body) > LARGEST:
        raise TooLarge
    return body
