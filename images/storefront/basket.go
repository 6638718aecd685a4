package main

import (
	"net/http"
	"strings"
)

const (
	basketCookie = "basket"
	basketSize   = 20
)

// line is one product in the basket and how many of it.
type line struct {
	Product product `json:"product"`
	Count   int     `json:"count"`
}

// Price writes the price of the whole line.
func (l line) Price() string { return dollars(l.Product.PriceCents * l.Count) }

// basketOf reads the basket from the browser's cookie: no Pod keeps it, so any Pod can answer.
func (a *app) basketOf(r *http.Request) []line {
	cookie, err := r.Cookie(basketCookie)
	if err != nil {
		return []line{}
	}
	return a.lines(strings.Split(cookie.Value, "."))
}

// lines counts products by id, in the order of their first appearance; unknown ids are dropped.
func (a *app) lines(ids []string) []line {
	found := []line{}
	at := map[string]int{}
	for _, id := range ids[:min(len(ids), basketSize)] {
		item, ok := a.who.find(id)
		if !ok {
			continue
		}
		if _, seen := at[id]; !seen {
			at[id] = len(found)
			found = append(found, line{Product: item})
		}
		found[at[id]].Count++
	}
	return found
}

// addToBasket appends a product to the cookie.
func (a *app) addToBasket(w http.ResponseWriter, r *http.Request, id string) {
	value := id
	if cookie, err := r.Cookie(basketCookie); err == nil && cookie.Value != "" {
		value = cookie.Value + "." + id
	}
	setBasket(w, value)
}

func setBasket(w http.ResponseWriter, value string) {
	cookie := http.Cookie{Name: basketCookie, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if value == "" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, &cookie)
}

func count(lines []line) int {
	total := 0
	for _, line := range lines {
		total += line.Count
	}
	return total
}

func total(lines []line) string {
	cents := 0
	for _, line := range lines {
		cents += line.Product.PriceCents * line.Count
	}
	return dollars(cents)
}
