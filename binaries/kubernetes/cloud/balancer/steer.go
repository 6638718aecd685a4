package balancer

import (
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"k8s.io/klog/v2"
)

// lookInterval is the time between two looks at the nodes' health.
const lookInterval = time.Second

// Watch looks after the nodes' health until `stop`, and after routes that nobody owns any more.
func (b *Balancer) Watch(stop <-chan struct{}) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			if err := b.steer(context.Background()); err != nil {
				klog.Warningf("Routes could not be kept: %v", err)
			}
		}
	}
}

// steer makes the routes what they should be: to each address over its healthy nodes, and no others.
//
// The nodes are asked without the lock; whoever changes a front meanwhile steers, too.
func (b *Balancer) steer(ctx context.Context) error {
	told, err := b.statuses()
	if err != nil {
		return nil // nothing is known yet, so nothing is wrong
	}
	b.mu.Lock()
	fronts := maps.Clone(b.fronts)
	b.mu.Unlock()
	healthy := b.ask(ctx, fronts)

	b.mu.Lock()
	defer b.mu.Unlock()
	found, err := b.routes.List()
	if err != nil {
		return err
	}
	for uid, one := range b.fronts {
		if _, ok := told[uid]; !ok {
			delete(b.fronts, uid) // it went without us: somebody removed its finalizer
			continue
		}
		nodes := slices.DeleteFunc(b.addresses(one.nodes), func(node netip.Addr) bool { return !healthy[target{node, one.port}] })
		if asked := fronts[uid]; asked.port != one.port || slices.Equal(found[one.address], nodes) {
			continue
		}
		klog.Infof("Route to %s over %v", one.address, nodes)
		if err := b.lay(one.address, nodes); err != nil {
			return err
		}
	}
	taken := b.taken(told, "")
	for address := range found {
		if !taken[address] {
			if err := b.routes.Remove(address); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *Balancer) lay(address netip.Addr, nodes []netip.Addr) error {
	if len(nodes) == 0 {
		return b.routes.Remove(address)
	}
	return b.routes.Set(address, nodes)
}
