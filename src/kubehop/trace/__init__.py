"""Observes a cluster into a trace; schema, codec, invariants, statistics and the HPA's model."""

from kubehop.trace.about import About
from kubehop.trace.codec import decode, encode, read, write
from kubehop.trace.invariant import check
from kubehop.trace.recording import Batch, Trace
from kubehop.trace.request import Request, Row, resolve

__all__ = [
    "About",
    "Batch",
    "Request",
    "Row",
    "Trace",
    "check",
    "decode",
    "encode",
    "read",
    "resolve",
    "write",
]
