// Package cloud is the cloud that a cluster of this book lives in: it has load balancers, and nothing else.
//
// Kubernetes' own service controller (k8s.io/cloud-provider) watches Services of type LoadBalancer
// and calls this package, as it would call the code of any cloud.
// A load balancer here is an address from a pool and a route to it in the fabric, the network beside the nodes,
// over those nodes that say they are well.
// The rest is kube-proxy's: on each node it knows the address and passes the connection on to a Pod.
package cloud

import (
	"io"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	cloudprovider "k8s.io/cloud-provider"
	"k8s.io/cloud-provider/app"
	"k8s.io/cloud-provider/app/config"
	"k8s.io/cloud-provider/names"
	"k8s.io/cloud-provider/options"
	"k8s.io/component-base/cli/flag"
	"k8s.io/klog/v2"

	"kubehop/binaries/kubernetes/cloud/balancer"
)

// Name is what --cloud-provider calls it.
const Name = "kubehop"

func init() {
	cloudprovider.RegisterCloudProvider(Name, func(file io.Reader) (cloudprovider.Interface, error) {
		pool, err := balancer.ReadPool(file)
		if err != nil {
			return nil, err
		}
		return &provider{balancer.New(pool, balancer.Kernel{}, balancer.Healthy)}, nil
	})
}

// NewCommand returns cloud-controller-manager with its service controller alone:
// nodes, routes and zones are not this cloud's to tell about, so no node waits for it.
func NewCommand() *cobra.Command {
	settings, err := options.NewCloudControllerManagerOptions()
	if err != nil {
		klog.Fatalf("The options of cloud-controller-manager have no defaults: %v", err)
	}
	controllers := map[string]app.ControllerInitFuncConstructor{
		names.ServiceLBController: app.DefaultInitFuncConstructors[names.ServiceLBController],
	}
	aliases := names.CCMControllerAliases()
	return app.NewCloudControllerManagerCommand(
		settings, open, controllers, aliases, flag.NamedFlagSets{}, wait.NeverStop)
}

func open(config *config.CompletedConfig) cloudprovider.Interface {
	asked := config.ComponentConfig.KubeCloudShared.CloudProvider
	cloud, err := cloudprovider.InitCloudProvider(asked.Name, asked.CloudConfigFile)
	if err != nil || cloud == nil {
		klog.Fatalf("The cloud %q cannot be used: %v", asked.Name, err)
	}
	return cloud
}

// provider is the cloud; what it does not offer is nil, and false.
type provider struct {
	balancer *balancer.Balancer
}

func (p *provider) Initialize(_ cloudprovider.ControllerClientBuilder, stop <-chan struct{}) {
	if err := balancer.SpreadByConnection(); err != nil {
		klog.Warningf("All connections of one client will take the same node: %v", err)
	}
	go p.balancer.Watch(stop)
}

// SetInformers is called before the controllers start.
func (p *provider) SetInformers(factory informers.SharedInformerFactory) {
	services, nodes := factory.Core().V1().Services(), factory.Core().V1().Nodes()
	p.balancer.Know(services.Lister(), nodes.Lister(), services.Informer().HasSynced, nodes.Informer().HasSynced)
}

func (p *provider) LoadBalancer() (cloudprovider.LoadBalancer, bool) { return p.balancer, true }
func (p *provider) Instances() (cloudprovider.Instances, bool)       { return nil, false }
func (p *provider) InstancesV2() (cloudprovider.InstancesV2, bool)   { return nil, false }
func (p *provider) Zones() (cloudprovider.Zones, bool)               { return nil, false }
func (p *provider) Clusters() (cloudprovider.Clusters, bool)         { return nil, false }
func (p *provider) Routes() (cloudprovider.Routes, bool)             { return nil, false }
func (p *provider) ProviderName() string                             { return Name }
func (p *provider) HasClusterID() bool                               { return true }
