"""What a node is made of on Linux: cgroups, namespaces, network, forwarding."""
