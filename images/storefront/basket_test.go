package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTheBasketTravelsInTheCookie(t *testing.T) {
	a, _ := testApp("v1")
	var jar string
	for _, id := range []string{"map", "rope", "map"} {
		request := httptest.NewRequest("POST", "/canary/cart", strings.NewReader("product="+id))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Cookie", jar)
		answer := httptest.NewRecorder()
		a.handler.ServeHTTP(answer, request)
		if answer.Code != http.StatusSeeOther || answer.Header().Get("Location") != "/canary/cart" {
			t.Fatalf("adding %s: %d to %q", id, answer.Code, answer.Header().Get("Location"))
		}
		jar, _, _ = strings.Cut(answer.Header().Get("Set-Cookie"), ";")
	}
	other, _ := testApp("v2") // another Pod, of another version
	request := httptest.NewRequest("GET", "/cart", nil)
	request.Header.Set("Cookie", jar)
	lines := other.basketOf(request)
	if len(lines) != 2 || lines[0].Count != 2 || total(lines) != "$63.00" || count(lines) != 3 {
		t.Errorf("the basket %q reads as %+v", jar, lines)
	}
}

func TestWhatAVersionDoesNotSellIsRefused(t *testing.T) {
	for version, status := range map[string]int{"v1": 400, "v2": 303} {
		a, _ := testApp(version)
		request := httptest.NewRequest("POST", "/cart?product=tent", nil)
		answer := httptest.NewRecorder()
		a.handler.ServeHTTP(answer, request)
		if answer.Code != status {
			t.Errorf("%s answers %d to a tent, want %d", version, answer.Code, status)
		}
	}
}

func TestBuyingEmptiesTheBasketAndNamesTheRequest(t *testing.T) {
	a, _ := testApp("v1")
	answer := ask(a, "POST", "/checkout")
	if !strings.Contains(answer.Body.String(), answer.Header().Get("X-Request-Id")) {
		t.Error("the page does not show the order's number")
	}
	if !strings.Contains(answer.Header().Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the basket stays: %q", answer.Header().Get("Set-Cookie"))
	}
}
