package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// drainTime stays below the 30 s after which the kubelet kills.
const drainTime = 25 * time.Second

// shutdownDelay reads SHUTDOWN_DELAY_MS: how long to serve on after SIGTERM,
// so that proxies can learn that this Pod is going.
func shutdownDelay() time.Duration {
	milliseconds, err := strconv.Atoi(os.Getenv("SHUTDOWN_DELAY_MS"))
	if err != nil || milliseconds < 0 {
		return 0
	}
	return time.Duration(milliseconds) * time.Millisecond
}

// serveUntilSignal serves until SIGTERM or SIGINT, then leaves in phases and logs each.
func (a *app) serveUntilSignal(listener net.Listener, delay time.Duration) error {
	server := &http.Server{
		Handler:           a.handler,
		ConnContext:       connectionNumbers(),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      longestWork + 15*time.Second,
		IdleTimeout:       2 * time.Minute,
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case received := <-signals:
		return a.shutDown(server, received, delay)
	}
}

func (a *app) shutDown(server *http.Server, received os.Signal, delay time.Duration) error {
	a.log.event("signal received", map[string]any{"signal": signalName(received)})
	a.stopping.Store(true)
	a.log.event("readiness off", map[string]any{"serving_on_ms": delay.Milliseconds()})
	time.Sleep(delay)
	a.log.event("draining", map[string]any{"in_flight": a.inFlight.Load()})
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := server.Shutdown(ctx)
	a.log.event("closed", map[string]any{"cut_off": a.inFlight.Load()})
	if errors.Is(err, context.DeadlineExceeded) {
		return nil // said by "closed" already: these requests were cut off
	}
	return err
}

func signalName(received os.Signal) string {
	if received == syscall.SIGTERM {
		return "SIGTERM"
	}
	return "SIGINT"
}
