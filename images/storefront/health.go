package main

import (
	"fmt"
	"net/http"
	"strconv"
)

// healthz answers as long as the process can answer at all: for liveness probes.
func (a *app) healthz(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintln(w, "ok")
}

// readyz says whether the Pod wants traffic; POST /readyz?ready=false switches it off.
func (a *app) readyz(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		ready, err := strconv.ParseBool(r.URL.Query().Get("ready"))
		if err != nil {
			http.Error(w, "400: ready must be true or false, as in /readyz?ready=false", http.StatusBadRequest)
			return
		}
		a.unready.Store(!ready)
		a.log.event("readiness switched", map[string]any{"ready": ready})
		fmt.Fprintf(w, "ready=%t\n", ready)
		return
	}
	if a.unready.Load() || a.stopping.Load() {
		http.Error(w, "not ready", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}
