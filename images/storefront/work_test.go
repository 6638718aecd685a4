package main

import (
	"context"
	"encoding/json"
	"testing"
	"time"
)

func TestBurnUsesCPUAndSlowDoesNot(t *testing.T) {
	a, _ := testApp("v1")
	for path, burns := range map[string]bool{"/burn?ms=60": true, "/slow?ms=60": false} {
		var spent map[string]any
		if err := json.Unmarshal(ask(a, "GET", path).Body.Bytes(), &spent); err != nil {
			t.Fatal(err)
		}
		if cpu := spent["cpu_ms"].(float64); burns != (cpu >= 60) {
			t.Errorf("%s used %v ms of CPU", path, cpu)
		}
		if spent["wall_ms"].(float64) < 60 {
			t.Errorf("%s took %v ms", path, spent["wall_ms"])
		}
	}
}

func TestBurnStopsWhenTheClientHasGone(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if used := burnCPU(ctx, longestWork); used > 10*time.Second {
		t.Errorf("burned on for %v", used)
	}
}

func TestWorkOutOfRangeIsRefused(t *testing.T) {
	a, _ := testApp("v1")
	for _, target := range []string{"/burn", "/burn?ms=-1", "/slow?ms=60001", "/slow?ms=1.5"} {
		if got := ask(a, "GET", target).Code; got != 400 {
			t.Errorf("GET %s = %d, want 400", target, got)
		}
	}
}
