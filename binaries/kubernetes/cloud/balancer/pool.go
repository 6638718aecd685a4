package balancer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// ReadPool returns the pool of addresses that the configuration names: {"pool": "172.30.1.16/28"}.
func ReadPool(file io.Reader) (netip.Prefix, error) {
	var config struct {
		Pool netip.Prefix `json:"pool"`
	}
	if file == nil {
		return netip.Prefix{}, errors.New("no --cloud-config was given: it names the pool of addresses")
	}
	if err := json.NewDecoder(file).Decode(&config); err != nil {
		return netip.Prefix{}, fmt.Errorf("--cloud-config is not what it should be, {\"pool\": \"172.30.1.16/28\"}: %w", err)
	}
	if !config.Pool.IsValid() || !config.Pool.Addr().Is4() {
		return netip.Prefix{}, errors.New("--cloud-config names no pool of IPv4 addresses")
	}
	return config.Pool.Masked(), nil
}
