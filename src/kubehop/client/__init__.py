"""Talks to any cluster: kubectl, API reads, requests from inside and outside, the tools Pod.

This room knows nothing of how the cluster was started, and nothing of notebooks.
"""
