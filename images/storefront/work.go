package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"syscall"
	"time"
)

const longestWork = time.Minute

// burn uses ?ms= milliseconds of CPU time, not of wall time: under a CPU limit it takes longer.
func (a *app) burn(w http.ResponseWriter, r *http.Request) {
	a.work(w, r, burnCPU)
}

// slow waits ?ms= milliseconds and uses no CPU.
func (a *app) slow(w http.ResponseWriter, r *http.Request) {
	a.work(w, r, wait)
}

func (a *app) work(w http.ResponseWriter, r *http.Request, do func(context.Context, time.Duration) time.Duration) {
	milliseconds, err := strconv.Atoi(r.URL.Query().Get("ms"))
	amount := time.Duration(milliseconds) * time.Millisecond
	if err != nil || amount < 0 || amount > longestWork {
		message := fmt.Sprintf("400: ms must be a whole number from 0 to %d, as in %s?ms=100", longestWork.Milliseconds(), r.URL.Path)
		http.Error(w, message, http.StatusBadRequest)
		return
	}
	started := time.Now()
	used := do(r.Context(), amount)
	writeJSON(w, map[string]any{
		"pod":     a.who.Pod,
		"cpu_ms":  used.Milliseconds(),
		"wall_ms": time.Since(started).Milliseconds(),
	})
}

// burnCPU computes until its own thread has used `amount` of CPU time or the client has gone.
func burnCPU(ctx context.Context, amount time.Duration) time.Duration {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start := threadTime()
	x := uint64(1)
	for threadTime()-start < amount && ctx.Err() == nil {
		for range 20_000 {
			x = x*6364136223846793005 + 1442695040888963407
		}
	}
	runtime.KeepAlive(x)
	return threadTime() - start
}

func wait(ctx context.Context, amount time.Duration) time.Duration {
	select {
	case <-time.After(amount):
	case <-ctx.Done():
	}
	return 0
}

// threadTime returns the CPU time used by the calling thread, as the kernel accounts for it.
func threadTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &usage); err != nil {
		return longestWork // ends the loop; getrusage of one's own thread does not fail
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
