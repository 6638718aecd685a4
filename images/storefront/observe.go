package main

import (
	"crypto/rand"
	"encoding/hex"
	"net"
	"net/http"
	"strings"
	"time"
)

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// observed says in each answer who gave it, and writes the access log.
func (a *app) observed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		a.inFlight.Add(1)
		defer a.inFlight.Add(-1)
		connection := connectionOf(r.Context())
		connection.requests.Add(1)
		id := requestID(r)
		w.Header().Set("X-Served-By", a.who.Pod)
		w.Header().Set("X-Version", a.who.Version)
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("Cache-Control", "no-store")
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answer, r)
		if quiet(r, answer.status) {
			return
		}
		a.log.request(access{
			Time:       stamp(started),
			Method:     r.Method,
			Path:       r.URL.Path,
			Status:     answer.status,
			DurationUS: time.Since(started).Microseconds(),
			Pod:        a.who.Pod,
			Client:     hostOf(r.RemoteAddr),
			Connection: connection.number,
			RequestID:  id,
		})
	})
}

// quiet leaves out probes that succeed: the kubelet sends one every few seconds.
func quiet(r *http.Request, status int) bool {
	probe := strings.HasSuffix(r.URL.Path, "/healthz") || strings.HasSuffix(r.URL.Path, "/readyz")
	return probe && r.Method == http.MethodGet && status == http.StatusOK
}

// requestID keeps the id a proxy gave, else makes one.
func requestID(r *http.Request) string {
	if given := r.Header.Get("X-Request-Id"); given != "" && len(given) <= 64 {
		return given
	}
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails since Go 1.24
	return hex.EncodeToString(random[:])
}

func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
}
