package main

import (
	"encoding/json"
	"net/http"
	"strings"
)

// whoami tells who answers and what arrived, after all proxies on the way.
func (a *app) whoami(w http.ResponseWriter, r *http.Request) {
	connection := connectionOf(r.Context())
	writeJSON(w, struct {
		identity
		Method     string            `json:"method"`
		Host       string            `json:"host"`
		Path       string            `json:"path"`
		Client     string            `json:"client"`
		Connection int64             `json:"connection"`
		Request    int64             `json:"request_on_connection"`
		Headers    map[string]string `json:"headers"`
	}{
		identity: a.who, Method: r.Method, Host: r.Host, Path: r.URL.Path, Client: r.RemoteAddr,
		Connection: connection.number, Request: connection.requests.Load(), Headers: flat(r.Header),
	})
}

func flat(header http.Header) map[string]string {
	all := make(map[string]string, len(header))
	for name, values := range header {
		all[name] = strings.Join(values, ", ")
	}
	return all
}

func writeJSON(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // the client has gone: nobody is left to tell
}
