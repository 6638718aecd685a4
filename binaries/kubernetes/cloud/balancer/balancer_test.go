package balancer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/cloud-provider/api"
)

// fabric remembers routes instead of writing them.
type fabric map[netip.Addr][]netip.Addr

func (f fabric) List() (map[netip.Addr][]netip.Addr, error)       { return maps.Clone(f), nil }
func (f fabric) Set(address netip.Addr, nodes []netip.Addr) error { f[address] = nodes; return nil }
func (f fabric) Remove(address netip.Addr) error                  { delete(f, address); return nil }

// world is an API server of Services alone, and nodes that say what they are told to say.
type world struct {
	*testing.T
	store   cache.Indexer
	members cache.Indexer
	fabric  fabric
	ill     map[target]bool
	nodes   []*v1.Node
	balance *Balancer
}

func newWorld(t *testing.T, pool string) *world {
	w := &world{T: t, store: index(), members: index(), fabric: fabric{}, ill: map[target]bool{}}
	for number := range 2 {
		address := v1.NodeAddress{Type: v1.NodeInternalIP, Address: fmt.Sprintf("172.30.0.1%d", number+1)}
		node := &v1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", number+1)},
			Status:     v1.NodeStatus{Addresses: []v1.NodeAddress{address}},
		}
		w.nodes = append(w.nodes, node)
		_ = w.members.Add(node)
	}
	w.restart(pool)
	return w
}

func index() cache.Indexer { return cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{}) }

func (w *world) know(synced bool) {
	told := func() bool { return synced }
	w.balance.Know(corelisters.NewServiceLister(w.store), corelisters.NewNodeLister(w.members), told)
}

// restart forgets everything but what the API server and the kernel know.
func (w *world) restart(pool string) {
	well := func(_ context.Context, node netip.Addr, port int32) bool { return !w.ill[target{node, port}] }
	w.balance = New(netip.MustParsePrefix(pool), w.fabric, well)
	w.know(true)
}

func (w *world) service(name string) *v1.Service {
	service := &v1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, UID: types.UID(name)}}
	_ = w.store.Add(service)
	return service
}

// ensure gives a Service its address, as the service controller does, and writes it to the status.
func (w *world) ensure(service *v1.Service) string {
	w.Helper()
	got, err := w.balance.EnsureLoadBalancer(context.Background(), "", service, w.nodes)
	if err != nil {
		w.Fatal(err)
	}
	service.Status.LoadBalancer = *got
	return got.Ingress[0].IP
}

func (w *world) refuse(service *v1.Service, word string) {
	w.Helper()
	_, err := w.balance.EnsureLoadBalancer(context.Background(), "", service, w.nodes)
	if err == nil || !strings.Contains(err.Error(), word) {
		w.Fatalf("refused with %v, want an error with %q", err, word)
	}
}

func (w *world) expect(address string, nodes ...string) {
	w.Helper()
	var want []netip.Addr
	for _, node := range nodes {
		want = append(want, netip.MustParseAddr(node))
	}
	if got := w.fabric[netip.MustParseAddr(address)]; !slices.Equal(got, want) {
		w.Fatalf("route to %s over %v, want %v", address, got, want)
	}
}

func (w *world) steer() {
	w.Helper()
	if err := w.balance.steer(context.Background()); err != nil {
		w.Fatal(err)
	}
}

func TestEachServiceHasAnAddressOfItsOwn(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	first, second := w.service("first"), w.service("second")
	if a, b := w.ensure(first), w.ensure(second); a != "172.30.1.0" || b != "172.30.1.1" {
		t.Fatalf("addresses %s and %s", a, b)
	}
	if again := w.ensure(first); again != "172.30.1.0" {
		t.Fatalf("a second call gave %s", again)
	}
	w.expect("172.30.1.0", "172.30.0.11", "172.30.0.12")
}

func TestAddressesSurviveARestart(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	first, second := w.service("first"), w.service("second")
	w.ensure(first)
	kept := w.ensure(second)
	w.restart("172.30.1.0/28")
	if stranger := w.ensure(w.service("stranger")); stranger != "172.30.1.2" {
		t.Fatalf("a new Service got %s, which is another's", stranger)
	}
	_ = w.store.Delete(first) // a lower address is free now
	if now := w.ensure(second); now != kept {
		t.Fatalf("%s became %s", kept, now)
	}
}

func TestADeletedServiceFreesItsAddress(t *testing.T) {
	for _, restarted := range []bool{false, true} {
		w := newWorld(t, "172.30.1.0/32")
		first := w.service("first")
		address := w.ensure(first)
		if restarted {
			w.restart("172.30.1.0/32")
		}
		if _, exists, _ := w.balance.GetLoadBalancer(context.Background(), "", first); !exists {
			t.Fatal("it should exist")
		}
		if err := w.balance.EnsureLoadBalancerDeleted(context.Background(), "", first); err != nil {
			t.Fatal(err)
		}
		w.expect(address)
		_ = w.store.Delete(first)
		if got := w.ensure(w.service("second")); got != address {
			t.Fatalf("the address was not free: %s", got)
		}
	}
}

func TestAnEmptyPoolIsAClearErrorAndTriedAgain(t *testing.T) {
	w := newWorld(t, "172.30.1.0/31")
	first := w.service("first")
	w.ensure(first)
	w.ensure(w.service("second"))
	third := w.service("third")
	w.refuse(third, "all 2 addresses of the pool 172.30.1.0/31 are taken")
	_, err := w.balance.EnsureLoadBalancer(context.Background(), "", third, w.nodes)
	var again *api.RetryError
	if !errors.As(err, &again) || again.RetryAfter() != tryAgain {
		t.Fatalf("%v is not tried again after %s", err, tryAgain)
	}
	_ = w.balance.EnsureLoadBalancerDeleted(context.Background(), "", first)
	_ = w.store.Delete(first)
	w.ensure(third)
}

func TestAnAddressCanBeAskedFor(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	wish := w.service("wish")
	wish.Spec.LoadBalancerIP = "172.30.1.9"
	if got := w.ensure(wish); got != "172.30.1.9" {
		t.Fatalf("got %s", got)
	}
	if again := w.ensure(wish); again != "172.30.1.9" {
		t.Fatalf("a second call gave %s", again)
	}
	rival, far := w.service("rival"), w.service("far")
	rival.Spec.LoadBalancerIP, far.Spec.LoadBalancerIP = "172.30.1.9", "10.0.0.1"
	w.refuse(rival, "another Service's")
	w.refuse(far, "not in the pool")
	wish.Spec.LoadBalancerIP = "172.30.1.3"
	w.ensure(wish)
	w.expect("172.30.1.9")
	w.expect("172.30.1.3", "172.30.0.11", "172.30.0.12")
}

func TestTheRouteFollowsTheNodesHealth(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	address := w.ensure(w.service("first"))
	second := target{netip.MustParseAddr("172.30.0.12"), proxyPort}
	w.ill[second] = true
	w.steer()
	w.expect(address, "172.30.0.11")
	w.ill[target{netip.MustParseAddr("172.30.0.11"), proxyPort}] = true
	w.steer()
	w.expect(address)
	w.ill = map[target]bool{}
	w.steer()
	w.expect(address, "172.30.0.11", "172.30.0.12")
}

func TestWithPolicyLocalEachServiceIsAskedItself(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	local := w.service("local")
	local.Spec.ExternalTrafficPolicy = v1.ServiceExternalTrafficPolicyLocal
	local.Spec.HealthCheckNodePort = 31000
	w.ill[target{netip.MustParseAddr("172.30.0.11"), 31000}] = true
	w.expect(w.ensure(local), "172.30.0.12")
	w.expect(w.ensure(w.service("other")), "172.30.0.11", "172.30.0.12")
	local.Spec.ExternalTrafficPolicy, local.Spec.HealthCheckNodePort = v1.ServiceExternalTrafficPolicyCluster, 0
	w.expect(w.ensure(local), "172.30.0.11", "172.30.0.12")
}

func TestNodesComeAndGo(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	service := w.service("first")
	address := w.ensure(service)
	if err := w.balance.UpdateLoadBalancer(context.Background(), "", service, w.nodes[1:]); err != nil {
		t.Fatal(err)
	}
	w.expect(address, "172.30.0.12")
}

func TestANewNodeTellsItsAddressLater(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	late := w.nodes[1].DeepCopy()
	w.nodes[1].Status.Addresses = nil
	address := w.ensure(w.service("first"))
	w.expect(address, "172.30.0.11")
	_ = w.members.Update(late)
	w.steer()
	w.expect(address, "172.30.0.11", "172.30.0.12")
	_ = w.members.Delete(late)
	w.steer()
	w.expect(address, "172.30.0.11")
}

func TestRoutesOfNobodyAreRemoved(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	forced := w.service("forced")
	address := w.ensure(forced)
	before := w.service("before")
	before.Status.LoadBalancer = *status(netip.MustParseAddr("172.30.1.7"))
	w.fabric[netip.MustParseAddr("172.30.1.7")] = []netip.Addr{netip.MustParseAddr("172.30.0.11")}
	w.fabric[netip.MustParseAddr("172.30.1.8")] = []netip.Addr{netip.MustParseAddr("172.30.0.11")}
	_ = w.store.Delete(forced)
	w.steer()
	w.expect(address)
	w.expect("172.30.1.8")
	w.expect("172.30.1.7", "172.30.0.11") // a Service has it that the controller has not come to yet
}

func TestNothingIsAssignedBeforeTheServicesAreRead(t *testing.T) {
	w := newWorld(t, "172.30.1.0/28")
	w.know(false)
	w.refuse(w.service("early"), "not been read yet")
}

func TestANodeIsWellWhenItSaysSo(t *testing.T) {
	code := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) { answer.WriteHeader(code) }))
	address := netip.MustParseAddrPort(server.Listener.Addr().(*net.TCPAddr).String())
	ask := func() bool { return Healthy(context.Background(), address.Addr(), int32(address.Port())) }
	if !ask() {
		t.Fatal("200 is well")
	}
	code = http.StatusServiceUnavailable
	if ask() {
		t.Fatal("503 is not well")
	}
	server.Close()
	if ask() {
		t.Fatal("silence is not well")
	}
}

func TestTheConfigurationNamesThePool(t *testing.T) {
	pool, err := ReadPool(strings.NewReader(`{"pool": "172.30.1.21/28"}`))
	if err != nil || pool.String() != "172.30.1.16/28" {
		t.Fatalf("pool %v, error %v", pool, err)
	}
	for _, text := range []string{"", "{}", `{"pool": "nonsense"}`, `{"pool": "fd00::/64"}`} {
		if _, err := ReadPool(strings.NewReader(text)); err == nil {
			t.Fatalf("%q was accepted", text)
		}
	}
}
