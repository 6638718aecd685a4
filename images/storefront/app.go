package main

import (
	"net/http"
	"os"
	"strings"
	"sync/atomic"
)

// identity is what a Pod knows of itself, from the downward API.
type identity struct {
	Pod     string `json:"pod"`
	Node    string `json:"node"`
	Address string `json:"address"`
	Version string `json:"version"`
}

func identityFromEnv() identity {
	hostname, _ := os.Hostname() // in a Pod this is the Pod's name
	return identity{
		Pod:     envOr("POD_NAME", hostname),
		Node:    os.Getenv("NODE_NAME"),
		Address: os.Getenv("POD_IP"),
		Version: envOr("VERSION", "dev"),
	}
}

func envOr(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

// app is the whole shop; everything a request can change is in its atomics.
type app struct {
	who      identity
	config   configuration
	log      *journal
	unready  atomic.Bool  // set by POST /readyz?ready=false
	stopping atomic.Bool  // set by SIGTERM
	inFlight atomic.Int64 // requests being answered
	handler  http.Handler
}

func newApp(who identity, config configuration, log *journal) *app {
	a := &app{who: who, config: config, log: log}
	a.handler = a.observed(a.routed(map[string]http.HandlerFunc{
		"":             a.shop,
		"api/products": a.products,
		"cart":         a.cart,
		"checkout":     a.checkout,
		"whoami":       a.whoami,
		"config":       a.showConfig,
		"healthz":      a.healthz,
		"readyz":       a.readyz,
		"burn":         a.burn,
		"slow":         a.slow,
	}))
	return a
}

// routed finds the page by path, with or without one segment before it:
// /cart and /canary/cart are the same page, because an Ingress passes the path on as it came.
func (a *app) routed(pages map[string]http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.Trim(r.URL.Path, "/")
		if page, ok := pages[path]; ok {
			page(w, r)
			return
		}
		prefix, rest, _ := strings.Cut(path, "/")
		page, ok := pages[rest]
		if !ok || strings.Contains(prefix, ".") {
			http.Error(w, "404: the storefront has no page "+r.URL.Path, http.StatusNotFound)
			return
		}
		page(w, r.WithContext(withPrefix(r.Context(), "/"+prefix)))
	})
}
