"""Kubernetes' own conformance suite on a cluster of its own: `make conformance`."""
