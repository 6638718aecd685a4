// Command kube runs one Kubernetes component, chosen by the name it is called by.
//
// The six components share one file because they share most of their code:
// one file on disk, one set of pages in memory.
// They stay one process each: a component may install its signal handler only once per process.
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"

	"kubehop/binaries/kubernetes/cloud"
)

func main() {
	commands := map[string]func() *cobra.Command{
		"kube-apiserver":           apiserver.NewAPIServerCommand,
		"cloud-controller-manager": cloud.NewCommand,
		"kube-controller-manager":  controllermanager.NewControllerManagerCommand,
		"kube-scheduler":           func() *cobra.Command { return scheduler.NewSchedulerCommand() },
		"kube-proxy":               proxy.NewProxyCommand,
		"kubelet":                  func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	}
	name := filepath.Base(os.Args[0])
	if _, ok := commands[name]; !ok && len(os.Args) > 1 {
		name, os.Args = os.Args[1], os.Args[1:]
	}
	command, ok := commands[name]
	if !ok {
		names := slices.Sorted(maps.Keys(commands))
		fmt.Fprintf(os.Stderr, "kube: no component is named %q; call it as one of: %s\n", name, strings.Join(names, ", "))
		os.Exit(2)
	}
	os.Exit(cli.Run(command()))
}
