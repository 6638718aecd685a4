package balancer

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

const answerTime = 500 * time.Millisecond

// target is one question: does this node want connections, by what this port says?
type target struct {
	node netip.Addr
	port int32
}

var client = &http.Client{
	Timeout:   answerTime,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// Healthy asks a node as any load balancer would: 200 means yes, everything else, silence too, no.
func Healthy(ctx context.Context, node netip.Addr, port int32) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s:%d/healthz", node, port), nil)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

// ask puts every question of the load balancers once, all at the same time.
func (b *Balancer) ask(ctx context.Context, fronts map[types.UID]front) map[target]bool {
	answers := map[target]bool{}
	for _, one := range fronts {
		for _, node := range b.addresses(one.nodes) {
			answers[target{node, one.port}] = false
		}
	}
	var waiting sync.WaitGroup
	var mu sync.Mutex
	questions := make([]target, 0, len(answers))
	for question := range answers {
		questions = append(questions, question)
	}
	for _, question := range questions {
		waiting.Go(func() {
			yes := b.well(ctx, question.node, question.port)
			mu.Lock()
			defer mu.Unlock()
			answers[question] = yes
		})
	}
	waiting.Wait()
	return answers
}
