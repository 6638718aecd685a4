// Command kube-router is the firewall half of kube-router: it enforces NetworkPolicies on one node.
//
// kube-router chooses at run time which of its controllers run; here it is chosen at compile time.
// Routes and Services are others' work in this cluster, and the file is half as large without them,
// and so is what it keeps in memory and may ask of the API server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/cloudnativelabs/kube-router/v2/pkg/svcip"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

const (
	heartbeats   = 10
	pollInterval = 50 * time.Millisecond
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "kube-router: %s\n", err)
		os.Exit(1)
	}
}

// run enforces policies until SIGTERM; the flags are kube-router's own.
func run() error {
	config := options.NewKubeRouterConfig()
	config.AddFlags(pflag.CommandLine)
	pflag.Parse()
	klog.InitFlags(nil)
	if err := flag.Set("v", config.VLevel); err != nil {
		return err
	}

	stop := make(chan struct{})
	var running sync.WaitGroup
	health, err := healthcheck.NewHealthController(config)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	policies, err := controller(config, stop)
	if err != nil {
		return err
	}
	beats := make(chan *healthcheck.ControllerHeartbeat, heartbeats)
	health.SetAlive()
	running.Add(3)
	go health.RunServer(stop, &running)
	go health.RunCheck(beats, stop, &running)
	go policies.Run(beats, stop, &running)

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	<-signals
	close(stop)
	running.Wait()
	return nil
}

// controller returns the controller of network policies, with everything it watches read once.
func controller(config *options.KubeRouterConfig, stop <-chan struct{}) (*netpol.NetworkPolicyController, error) {
	access, err := clientcmd.BuildConfigFromFlags(config.Master, config.Kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %w", err)
	}
	access.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	watch := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(slim))
	pods := watch.Core().V1().Pods().Informer()
	namespaces := watch.Core().V1().Namespaces().Informer()
	rules := watch.Networking().V1().NetworkPolicies().Informer()
	watch.Start(stop)
	for kind, synced := range watch.WaitForCacheSync(stop) {
		if !synced {
			return nil, fmt.Errorf("%s could not be read", kind)
		}
	}

	addresses, err := svcip.NewValidator(svcip.Config{
		ClusterIPCIDRs:    config.ClusterIPCIDRs,
		ExternalIPCIDRs:   config.ExternalIPCIDRs,
		LoadBalancerCIDRs: config.LoadBalancerCIDRs,
		EnableIPv4:        config.EnableIPv4,
		EnableIPv6:        config.EnableIPv6,
	})
	if err != nil {
		return nil, fmt.Errorf("address ranges: %w", err)
	}
	tables, sets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return nil, fmt.Errorf("iptables and ipset: %w", err)
	}
	if err := addressed(client, config.HostnameOverride); err != nil {
		return nil, err
	}
	policies, err := netpol.NewNetworkPolicyController(
		client, config, pods, rules, namespaces, &sync.Mutex{}, nil, tables, sets, addresses)
	if err != nil {
		return nil, fmt.Errorf("network policies: %w", err)
	}
	_, podErr := pods.AddEventHandler(policies.PodEventHandler)
	_, namespaceErr := namespaces.AddEventHandler(policies.NamespaceEventHandler)
	_, ruleErr := rules.AddEventHandler(policies.NetworkPolicyEventHandler)
	return policies, errors.Join(podErr, namespaceErr, ruleErr)
}

// addressed waits until the kubelet has told the node's address, without which the controller does not begin.
func addressed(client kubernetes.Interface, node string) error {
	told := func(ctx context.Context) (bool, error) {
		found, err := client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
		return err == nil && len(found.Status.Addresses) > 0, nil
	}
	if err := wait.PollUntilContextTimeout(context.Background(), pollInterval, time.Minute, true, told); err != nil {
		return fmt.Errorf("node %q has no address: %w", node, err)
	}
	return nil
}

// slim leaves out of memory who wrote which field: half of each object, and nobody here asks.
func slim(object any) (any, error) {
	if found, err := meta.Accessor(object); err == nil {
		found.SetManagedFields(nil)
	}
	return object, nil
}
