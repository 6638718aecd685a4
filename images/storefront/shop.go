package main

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
)

//go:embed page.html
var pageText string

//go:embed style.css
var style string

//go:embed pictures.svg
var pictures string

var page = template.Must(template.New("page").Parse(pageText))

// view is all that a page shows.
type view struct {
	Title      string
	Who        identity
	Second     bool
	Prefix     string
	Path       string
	Client     string
	Connection int64
	Greeting   string
	From       string
	Products   []product
	Basket     []line
	Count      int
	Total      string
	Order      string
	Style      template.CSS
	Pictures   template.HTML
}

func (a *app) shop(w http.ResponseWriter, r *http.Request) {
	a.show(w, r, view{Title: "Shop", Products: a.who.catalog()})
}

func (a *app) products(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"pod": a.who.Pod, "version": a.who.Version, "products": a.who.catalog(),
	})
}

// cart shows the basket; POST /cart with product=ID puts one more in.
func (a *app) cart(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		a.show(w, r, view{Title: "Cart"})
		return
	}
	id := r.FormValue("product")
	if _, ok := a.who.find(id); !ok {
		http.Error(w, "400: "+a.who.Version+" of the shop has no product "+id, http.StatusBadRequest)
		return
	}
	a.addToBasket(w, r, id)
	http.Redirect(w, r, prefixOf(r.Context())+"/cart", http.StatusSeeOther)
}

// checkout shows the sum; POST /checkout buys, and the order's number is the request's id.
func (a *app) checkout(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		a.show(w, r, view{Title: "Checkout"})
		return
	}
	setBasket(w, "")
	a.show(w, r, view{Title: "Thank you", Order: w.Header().Get("X-Request-Id")})
}

// show fills in what every page has in common and sends it.
func (a *app) show(w http.ResponseWriter, r *http.Request, v view) {
	v.Who, v.Second = a.who, a.who.isSecondEdition()
	v.Prefix, v.Path, v.Client = prefixOf(r.Context()), r.URL.Path, hostOf(r.RemoteAddr)
	v.Connection = connectionOf(r.Context()).number
	v.Greeting, v.From = a.config.greeting()
	v.Basket = a.basketOf(r)
	if v.Order == "" {
		v.Count = count(v.Basket)
	}
	v.Total = total(v.Basket)
	v.Style, v.Pictures = template.CSS(style), template.HTML(pictures) // both are files of ours
	var out bytes.Buffer
	if err := page.Execute(&out, v); err != nil {
		http.Error(w, "500: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'")
	_, _ = w.Write(out.Bytes())
}
