// Command conformance is Kubernetes' own end-to-end suite, with the tests of its network group only.
//
// Upstream compiles the same packages, and all others, into `e2e.test` with `go test -c`;
// TestMain there does what main does here. No test is ours.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	"k8s.io/kubernetes/test/e2e"
	"k8s.io/kubernetes/test/e2e/framework"
	"k8s.io/kubernetes/test/e2e/framework/config"
	"k8s.io/kubernetes/test/e2e/framework/testfiles"
	manifests "k8s.io/kubernetes/test/e2e/testing-manifests"
	"k8s.io/kubernetes/test/fixtures"

	_ "k8s.io/kubernetes/test/e2e/feature"
	_ "k8s.io/kubernetes/test/e2e/framework/debug/init"
	_ "k8s.io/kubernetes/test/e2e/framework/metrics/init"
	_ "k8s.io/kubernetes/test/e2e/framework/node/init"
	_ "k8s.io/kubernetes/test/e2e/network"
	_ "k8s.io/kubernetes/test/utils/ktesting/format"
)

func main() {
	testing.Init()
	config.CopyFlags(config.Flags, flag.CommandLine)
	framework.RegisterCommonFlags(flag.CommandLine)
	framework.RegisterClusterFlags(flag.CommandLine)
	results := flag.String("results", "", "a file that gets one line of JSON for each test that ended")
	flag.Parse()

	testfiles.AddFileSource(manifests.GetE2ETestingManifestsFS())
	testfiles.AddFileSource(fixtures.GetTestFixturesFS())
	framework.AfterReadingAllFlags(&framework.TestContext)
	if *results != "" { // not earlier: the line above goes through all tests without running them
		report(*results)
	}
	testing.Main(func(string, string) (bool, error) { return true, nil },
		[]testing.InternalTest{{Name: "Conformance", F: e2e.RunE2ETests}}, nil, nil)
}

// result is what becomes of one test.
type result struct {
	Name    string  `json:"name"`
	State   string  `json:"state"`
	Seconds float64 `json:"seconds"`
	Message string  `json:"message"`
}

// report tells each test to a file as soon as it ends, also the set-up of the suite when that fails.
func report(path string) {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines := json.NewEncoder(file)
	tell := func(spec types.SpecReport) {
		name := spec.FullText()
		if name == "" {
			name = spec.LeafNodeType.String()
		}
		seconds := time.Since(spec.StartTime).Seconds() // its RunTime is set later
		lines.Encode(result{name, spec.State.String(), seconds, spec.Failure.Message})
	}
	ginkgo.ReportAfterEach(func(spec ginkgo.SpecReport) {
		if spec.State != types.SpecStateSkipped {
			tell(spec)
		}
	})
	ginkgo.ReportAfterSuite("results", func(suite ginkgo.Report) {
		for _, spec := range suite.SpecReports {
			if spec.LeafNodeType != types.NodeTypeIt && spec.State.Is(types.SpecStateFailureStates) {
				tell(spec)
			}
		}
	})
}
