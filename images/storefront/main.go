// Command storefront is the sample application of the book: a small shop that says who serves it.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
)

func main() {
	listen := flag.String("listen", ":8080", "address to listen on")
	greeting := flag.String("greeting", "", "the sentence at the top of the shop; wins over file and environment")
	flag.Parse()

	log := newJournal(os.Stdout)
	app := newApp(identityFromEnv(), configuration{args: os.Args[1:], flagGreeting: *greeting}, log)
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		fmt.Fprintf(os.Stderr, "storefront: %v; choose another address with -listen\n", err)
		os.Exit(1)
	}
	log.event("started", map[string]any{"listen": listener.Addr().String(), "version": app.who.Version})
	if err := app.serveUntilSignal(listener, shutdownDelay()); err != nil {
		fmt.Fprintf(os.Stderr, "storefront: %v\n", err)
		os.Exit(1)
	}
}
