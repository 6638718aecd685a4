"""The cluster on a Debian system with cgroup version 2, in a virtual machine: `make test-vm`."""
