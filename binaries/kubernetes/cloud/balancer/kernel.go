package balancer

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// mark is the routing protocol number on our routes, by which they are told from others: `ip route show proto 107`.
const mark = 107

// SpreadByConnection makes the kernel choose a node for each connection, not for each client.
func SpreadByConnection() error {
	return os.WriteFile("/proc/sys/net/ipv4/fib_multipath_hash_policy", []byte("1"), 0)
}

// Kernel keeps routes in the network namespace that this process runs in: the fabric.
type Kernel struct{}

// List returns our routes with their nodes, in order.
func (Kernel) List() (map[netip.Addr][]netip.Addr, error) {
	ours := &netlink.Route{Table: unix.RT_TABLE_MAIN, Protocol: mark}
	routes, err := netlink.RouteListFiltered(netlink.FAMILY_V4, ours, netlink.RT_FILTER_TABLE|netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return nil, fmt.Errorf("routes could not be listed: %w", err)
	}
	found := map[netip.Addr][]netip.Addr{}
	for _, route := range routes {
		if route.Dst == nil {
			continue
		}
		address := plain(route.Dst.IP)
		nodes := []netip.Addr{}
		if route.Gw != nil {
			nodes = append(nodes, plain(route.Gw))
		}
		for _, hop := range route.MultiPath {
			nodes = append(nodes, plain(hop.Gw))
		}
		slices.SortFunc(nodes, netip.Addr.Compare)
		found[address] = nodes
	}
	return found, nil
}

// Set makes the route to an address lead over these nodes, at least one.
func (Kernel) Set(address netip.Addr, nodes []netip.Addr) error {
	route := single(address)
	if len(nodes) == 1 {
		route.Gw = nodes[0].AsSlice()
	} else {
		for _, node := range nodes {
			route.MultiPath = append(route.MultiPath, &netlink.NexthopInfo{Gw: node.AsSlice()})
		}
	}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("the route to %s over %v was refused: %w", address, nodes, err)
	}
	return nil
}

// Remove takes the route to an address away; one that is not there is fine.
func (Kernel) Remove(address netip.Addr) error {
	if err := netlink.RouteDel(single(address)); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("the route to %s stays: %w", address, err)
	}
	return nil
}

func single(address netip.Addr) *netlink.Route {
	bits := 8 * len(address.AsSlice())
	return &netlink.Route{
		Dst:      &net.IPNet{IP: address.AsSlice(), Mask: net.CIDRMask(bits, bits)},
		Protocol: mark,
	}
}

func plain(address net.IP) netip.Addr {
	found, _ := netip.AddrFromSlice(address)
	return found.Unmap()
}
