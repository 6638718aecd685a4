// Package balancer gives Services of type LoadBalancer an address, and keeps the routes to it.
package balancer

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/cloud-provider/api"
)

const (
	tryAgain  = 5 * time.Second // with an empty pool
	proxyPort = 10256           // kube-proxy's own health, of a node as a whole
)

// Balancer implements cloudprovider.LoadBalancer.
//
// Which addresses are taken is not written down anywhere but in the Services' own status:
// what is in memory bridges the moment until a status has been written and read back.
type Balancer struct {
	pool   netip.Prefix
	routes Routes
	well   Well
	known  atomic.Pointer[known]

	mu     sync.Mutex
	fronts map[types.UID]front
}

// known is what the API server has told.
type known struct {
	services corelisters.ServiceLister
	nodes    corelisters.NodeLister
	synced   []cache.InformerSynced
}

// front is one load balancer: the address, and the nodes behind it with the port that tells their health.
type front struct {
	address netip.Addr
	port    int32
	nodes   []string // by name: a node that is new tells its address later
}

// Routes are those of the fabric that belong to load balancers, by address.
type Routes interface {
	List() (map[netip.Addr][]netip.Addr, error)
	Set(address netip.Addr, nodes []netip.Addr) error
	Remove(address netip.Addr) error
}

// Well asks a node whether it wants connections, by what a port of it says.
type Well func(ctx context.Context, node netip.Addr, port int32) bool

// New returns a balancer that knows no Services yet.
func New(pool netip.Prefix, routes Routes, well Well) *Balancer {
	return &Balancer{pool: pool, routes: routes, well: well, fronts: map[types.UID]front{}}
}

// Know names where Services and nodes are read from.
func (b *Balancer) Know(services corelisters.ServiceLister, nodes corelisters.NodeLister, synced ...cache.InformerSynced) {
	b.known.Store(&known{services, nodes, synced})
}

// GetLoadBalancer tells whether a Service has an address of the pool.
func (b *Balancer) GetLoadBalancer(_ context.Context, _ string, service *v1.Service) (*v1.LoadBalancerStatus, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if one, ok := b.fronts[service.UID]; ok {
		return status(one.address), true, nil
	}
	if address, ok := b.told(service); ok {
		return status(address), true, nil
	}
	return nil, false, nil
}

// GetLoadBalancerName returns a name for logs.
func (b *Balancer) GetLoadBalancerName(_ context.Context, _ string, service *v1.Service) string {
	return service.Namespace + "/" + service.Name
}

// EnsureLoadBalancer gives a Service its address: the one it has, else the one it asks for, else a free one.
func (b *Balancer) EnsureLoadBalancer(ctx context.Context, _ string, service *v1.Service, nodes []*v1.Node) (*v1.LoadBalancerStatus, error) {
	address, err := b.assign(service, nodes)
	if err != nil {
		return nil, err
	}
	if err := b.steer(ctx); err != nil {
		return nil, err
	}
	return status(address), nil
}

// UpdateLoadBalancer follows nodes that come and go.
func (b *Balancer) UpdateLoadBalancer(ctx context.Context, name string, service *v1.Service, nodes []*v1.Node) error {
	_, err := b.EnsureLoadBalancer(ctx, name, service, nodes)
	return err
}

// EnsureLoadBalancerDeleted takes the route away and frees the address.
func (b *Balancer) EnsureLoadBalancerDeleted(_ context.Context, _ string, service *v1.Service) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	one, ok := b.fronts[service.UID]
	if !ok {
		if one.address, ok = b.told(service); !ok {
			return nil
		}
	}
	if err := b.routes.Remove(one.address); err != nil {
		return err
	}
	delete(b.fronts, service.UID)
	return nil
}

// assign reserves the address of a Service and notes the nodes behind it.
func (b *Balancer) assign(service *v1.Service, nodes []*v1.Node) (netip.Addr, error) {
	told, err := b.statuses()
	if err != nil {
		return netip.Addr{}, api.NewRetryError(err.Error(), lookInterval)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(told, service.UID)
	former, had := b.fronts[service.UID]
	address, err := b.choose(service, b.taken(told, service.UID))
	if err != nil {
		return netip.Addr{}, err
	}
	if had && former.address != address {
		if err := b.routes.Remove(former.address); err != nil {
			return netip.Addr{}, err
		}
	}
	b.fronts[service.UID] = front{address, healthPort(service), names(nodes)}
	return address, nil
}

// choose picks an address that is not taken; `spec.loadBalancerIP` is honored within the pool.
func (b *Balancer) choose(service *v1.Service, taken map[netip.Addr]bool) (netip.Addr, error) {
	if text := service.Spec.LoadBalancerIP; text != "" {
		wish, err := netip.ParseAddr(text)
		if err != nil || !b.pool.Contains(wish) {
			return netip.Addr{}, fmt.Errorf("spec.loadBalancerIP %q is not in the pool %s", text, b.pool)
		}
		if taken[wish] {
			return netip.Addr{}, api.NewRetryError(fmt.Sprintf("spec.loadBalancerIP %s is another Service's", wish), tryAgain)
		}
		return wish, nil
	}
	if one, ok := b.fronts[service.UID]; ok {
		return one.address, nil
	}
	if address, ok := b.told(service); ok && !taken[address] {
		return address, nil
	}
	for address := b.pool.Addr(); b.pool.Contains(address); address = address.Next() {
		if !taken[address] {
			return address, nil
		}
	}
	return netip.Addr{}, api.NewRetryError(fmt.Sprintf(
		"all %d addresses of the pool %s are taken; delete a Service of type LoadBalancer", len(taken), b.pool), tryAgain)
}

// taken returns the addresses in use, by what statuses tell and by what is in memory, but for one Service's own.
func (b *Balancer) taken(told map[types.UID]netip.Addr, but types.UID) map[netip.Addr]bool {
	found := map[netip.Addr]bool{}
	for _, address := range told {
		if address.IsValid() {
			found[address] = true
		}
	}
	for uid, one := range b.fronts {
		if uid != but {
			found[one.address] = true
		}
	}
	return found
}

// statuses returns each Service there is, with the address its status tells, if any.
func (b *Balancer) statuses() (map[types.UID]netip.Addr, error) {
	known := b.known.Load()
	if known == nil || slices.ContainsFunc(known.synced, func(synced cache.InformerSynced) bool { return !synced() }) {
		return nil, errors.New("the Services have not been read yet")
	}
	services, err := known.services.List(labels.Everything())
	if err != nil {
		return nil, err
	}
	found := map[types.UID]netip.Addr{}
	for _, service := range services {
		found[service.UID], _ = b.told(service)
	}
	return found, nil
}

// told returns the address of the pool that a Service's status names.
func (b *Balancer) told(service *v1.Service) (netip.Addr, bool) {
	for _, entry := range service.Status.LoadBalancer.Ingress {
		if address, err := netip.ParseAddr(entry.IP); err == nil && b.pool.Contains(address) {
			return address, true
		}
	}
	return netip.Addr{}, false
}

func status(address netip.Addr) *v1.LoadBalancerStatus {
	return &v1.LoadBalancerStatus{Ingress: []v1.LoadBalancerIngress{{IP: address.String()}}}
}

// healthPort is where a node says whether it wants connections of this Service.
// With externalTrafficPolicy Local each Service has a port of its own: a node without its Pods says no.
func healthPort(service *v1.Service) int32 {
	if service.Spec.ExternalTrafficPolicy == v1.ServiceExternalTrafficPolicyLocal && service.Spec.HealthCheckNodePort != 0 {
		return service.Spec.HealthCheckNodePort
	}
	return proxyPort
}

func names(nodes []*v1.Node) []string {
	found := make([]string, 0, len(nodes))
	for _, node := range nodes {
		found = append(found, node.Name)
	}
	return found
}

// addresses returns the nodes' addresses on the fabric, in order, of those that have told theirs.
func (b *Balancer) addresses(nodes []string) []netip.Addr {
	var found []netip.Addr
	for _, name := range nodes {
		node, err := b.known.Load().nodes.Get(name)
		if err != nil {
			continue // it has gone
		}
		for _, entry := range node.Status.Addresses {
			if address, err := netip.ParseAddr(entry.Address); entry.Type == v1.NodeInternalIP && err == nil && address.Is4() {
				found = append(found, address)
				break
			}
		}
	}
	slices.SortFunc(found, netip.Addr.Compare)
	return found
}
