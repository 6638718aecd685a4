"""Starts a real Kubernetes cluster on one Linux machine.

It knows nothing of notebooks, chapters or labs.
`product.py` lists what is built, `binary.py` builds it, `image.py` packs what runs in Pods;
the other files describe one component each, or carry out one step of `cluster.py`.
"""
