package main

import (
	"context"
	"net"
	"sync/atomic"
)

type contextKey int

const (
	prefixKey contextKey = iota
	connectionKey
)

// connection numbers a TCP connection and counts the requests that came over it.
type connection struct {
	number   int64
	requests atomic.Int64
}

// connectionNumbers returns the hook by which http.Server marks each new connection.
func connectionNumbers() func(context.Context, net.Conn) context.Context {
	var last atomic.Int64
	return func(ctx context.Context, _ net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey, &connection{number: last.Add(1)})
	}
}

func connectionOf(ctx context.Context) *connection {
	if found, ok := ctx.Value(connectionKey).(*connection); ok {
		return found
	}
	return &connection{}
}

func withPrefix(ctx context.Context, prefix string) context.Context {
	return context.WithValue(ctx, prefixKey, prefix)
}

// prefixOf returns the path segment before the page, "/canary", or nothing.
func prefixOf(ctx context.Context) string {
	prefix, _ := ctx.Value(prefixKey).(string)
	return prefix
}
