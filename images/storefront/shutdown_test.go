package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// lockedBuffer is a log that two goroutines may use.
type lockedBuffer struct {
	mutex sync.Mutex
	text  strings.Builder
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// TestShutdownAnswersWhatItHasBegun sends SIGTERM while a request is being answered:
// during the delay the Pod is not ready but serves, and the request ends well.
func TestShutdownAnswersWhatItHasBegun(t *testing.T) {
	log := &lockedBuffer{}
	a := newApp(identity{Pod: "p", Version: "v1"}, configuration{}, newJournal(log))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + listener.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- a.serveUntilSignal(listener, 200*time.Millisecond) }()
	slow := make(chan int, 1)
	go func() { slow <- status(url + "/slow?ms=500") }()
	waitFor(t, func() bool { return a.inFlight.Load() == 1 })

	if err := syscall.Kill(syscall.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	waitFor(t, a.stopping.Load)
	if ready, shop := status(url+"/readyz"), status(url+"/"); ready != 503 || shop != 200 {
		t.Errorf("during the delay: readyz %d, shop %d", ready, shop)
	}
	if got := <-slow; got != 200 {
		t.Errorf("the request in flight ended with %d", got)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	at := -1
	for _, phase := range []string{`"signal":"SIGTERM"`, `"readiness off"`, `"draining","in_flight":1`, `"/slow"`, `"closed"`} {
		next := strings.Index(log.String(), phase)
		if next <= at {
			t.Fatalf("%s is missing or too early in:\n%s", phase, log)
		}
		at = next
	}
}

func status(url string) int {
	answer, err := http.Get(url)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

func waitFor(t *testing.T, fact func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); !fact(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited 5 s in vain")
		}
	}
}
