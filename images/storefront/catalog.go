package main

import (
	"fmt"
	"strings"
)

// product is something the shop sells.
type product struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Note       string `json:"note"`
	PriceCents int    `json:"price_cents"`
}

// Price writes the price as people do: "$24.00".
func (p product) Price() string { return dollars(p.PriceCents) }

func dollars(cents int) string { return fmt.Sprintf("$%d.%02d", cents/100, cents%100) }

// isSecondEdition tells the two designs apart: v2 and what follows it have the new one.
func (i identity) isSecondEdition() bool { return strings.HasPrefix(i.Version, "v2") }

// catalog returns what a version sells; the second has one thing more.
func (i identity) catalog() []product {
	items := []product{
		{"boots", "Trail boots", "Grip for every hop.", 8900},
		{"compass", "Compass", "Points at the next hop.", 2400},
		{"lantern", "Lantern", "Shows who is ready.", 3200},
		{"map", "Folded map", "Every route, one sheet.", 1200},
		{"kettle", "Kettle", "For waiting on a rollout.", 2900},
		{"rope", "Rope, 20 m", "One connection, kept alive.", 3900},
	}
	if i.isSecondEdition() {
		return append([]product{{"tent", "Two-node tent", "New in this version.", 14900}}, items...)
	}
	return items
}

func (i identity) find(id string) (product, bool) {
	for _, item := range i.catalog() {
		if item.ID == id {
			return item, true
		}
	}
	return product{}, false
}
