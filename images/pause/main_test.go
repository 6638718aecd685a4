package main

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// TestReapCollectsEveryEndedChild starts children, lets them end and finds none left to wait for.
func TestReapCollectsEveryEndedChild(t *testing.T) {
	var children []*os.Process
	for range 5 {
		command := exec.Command("/bin/true")
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		children = append(children, command.Process)
	}
	deadline := time.Now().Add(5 * time.Second)
	for len(children) > 0 {
		reap()
		children = stillThere(children)
		if time.Now().After(deadline) {
			t.Fatalf("%d children were never reaped", len(children))
		}
	}
}

// stillThere returns the processes that still have an entry in the process table.
func stillThere(processes []*os.Process) []*os.Process {
	var left []*os.Process
	for _, process := range processes {
		if _, err := os.Stat("/proc/" + strconv.Itoa(process.Pid)); err == nil {
			left = append(left, process)
		}
	}
	return left
}
