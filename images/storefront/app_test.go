package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func testApp(version string) (*app, *bytes.Buffer) {
	var log bytes.Buffer
	who := identity{Pod: "storefront-abc", Node: "node-1", Address: "10.244.1.7", Version: version}
	return newApp(who, configuration{}, newJournal(&log)), &log
}

func ask(a *app, method, target string) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	a.handler.ServeHTTP(answer, httptest.NewRequest(method, target, nil))
	return answer
}

func TestPagesAnswerWithAndWithoutAPrefix(t *testing.T) {
	a, _ := testApp("v1")
	for path, status := range map[string]int{
		"/": 200, "/canary": 200, "/canary/": 200, "/cart": 200, "/canary/cart": 200, "/canary/api/products": 200,
		"/checkout": 200, "/whoami": 200, "/favicon.ico": 404, "/a/b/cart": 404, "/canary/nothing": 404,
	} {
		if got := ask(a, "GET", path).Code; got != status {
			t.Errorf("GET %s = %d, want %d", path, got, status)
		}
	}
}

func TestPageSaysWhoServesIt(t *testing.T) {
	for version, edition := range map[string]string{"v1": `data-edition="1"`, "v2": `data-edition="2"`} {
		a, _ := testApp(version)
		answer := ask(a, "GET", "/canary/")
		for _, want := range []string{version, "storefront-abc", "node-1", "10.244.1.7", edition, `href="/canary/cart"`} {
			if !strings.Contains(answer.Body.String(), want) {
				t.Errorf("the page of %s lacks %q", version, want)
			}
		}
		if got := answer.Header().Get("X-Served-By") + " " + answer.Header().Get("X-Version"); got != "storefront-abc "+version {
			t.Errorf("headers say %q", got)
		}
	}
}

func TestAGreetingCannotBringMarkup(t *testing.T) {
	a, _ := testApp("v1")
	a.config.flagGreeting = "<script>alert(1)</script>"
	if strings.Contains(ask(a, "GET", "/").Body.String(), "<script>") {
		t.Error("the greeting reached the page unescaped")
	}
}

func TestEachRequestIsOneLineOfTheAccessLog(t *testing.T) {
	a, log := testApp("v1")
	ask(a, "GET", "/cart")
	ask(a, "GET", "/nothing/here")
	ask(a, "GET", "/healthz") // a probe that succeeds is left out
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines for 2 requests: %s", len(lines), log)
	}
	var line access
	if err := json.Unmarshal([]byte(lines[1]), &line); err != nil {
		t.Fatal(err)
	}
	if line.Path != "/nothing/here" || line.Status != 404 || line.Pod != "storefront-abc" || len(line.RequestID) != 16 {
		t.Errorf("unexpected line %+v", line)
	}
}

func TestTheRequestIDOfAProxyIsKept(t *testing.T) {
	a, log := testApp("v1")
	request := httptest.NewRequest("GET", "/whoami", nil)
	request.Header.Set("X-Request-Id", "from-traefik")
	answer := httptest.NewRecorder()
	a.handler.ServeHTTP(answer, request)
	if !strings.Contains(log.String(), `"request_id":"from-traefik"`) || answer.Header().Get("X-Request-Id") != "from-traefik" {
		t.Errorf("the id is lost: %s", log)
	}
}

func TestReadinessIsSwitched(t *testing.T) {
	a, log := testApp("v1")
	steps := []struct {
		method, target string
		status         int
	}{
		{"GET", "/readyz", 200}, {"POST", "/readyz?ready=false", 200}, {"GET", "/readyz", 503},
		{"POST", "/readyz?ready=maybe", 400}, {"GET", "/readyz", 503}, {"POST", "/readyz?ready=true", 200}, {"GET", "/readyz", 200},
	}
	for _, step := range steps {
		if got := ask(a, step.method, step.target).Code; got != step.status {
			t.Errorf("%s %s = %d, want %d", step.method, step.target, got, step.status)
		}
	}
	if strings.Count(log.String(), "readiness switched") != 2 {
		t.Errorf("the switches are not in the log: %s", log)
	}
}

// TestConnectionsAreNumbered sends two requests over one connection, then one over another.
func TestConnectionsAreNumbered(t *testing.T) {
	a, _ := testApp("v1")
	server := httptest.NewUnstartedServer(a.handler)
	server.Config.ConnContext = connectionNumbers()
	server.Start()
	defer server.Close()
	one, other := clientOf(t), clientOf(t)
	for i, want := range []struct {
		client              *http.Client
		connection, request float64
	}{{one, 1, 1}, {one, 1, 2}, {other, 2, 1}} {
		answer, err := want.client.Get(server.URL + "/whoami")
		if err != nil {
			t.Fatal(err)
		}
		var who map[string]any
		if err := json.NewDecoder(answer.Body).Decode(&who); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body) // read to the end, or the connection is not used again
		_ = answer.Body.Close()
		if who["connection"] != want.connection || who["request_on_connection"] != want.request {
			t.Errorf("request %d came as %v of connection %v", i, who["request_on_connection"], who["connection"])
		}
	}
}

func clientOf(t *testing.T) *http.Client {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
