module kubehop/binaries/gateway-api

go 1.26.0

// No code of it is compiled, so `go mod tidy` would drop it; use `go mod download all`.
require sigs.k8s.io/gateway-api v1.5.1
