package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// journal writes one JSON object a line, each with one write, so no line waits in a buffer.
type journal struct {
	mutex sync.Mutex
	out   io.Writer
}

func newJournal(out io.Writer) *journal {
	return &journal{out: out}
}

// access is a line of the access log.
type access struct {
	Time       string `json:"time"`
	Method     string `json:"method"`
	Path       string `json:"path"`
	Status     int    `json:"status"`
	DurationUS int64  `json:"duration_us"`
	Pod        string `json:"pod"`
	Client     string `json:"client"`
	Connection int64  `json:"connection"`
	RequestID  string `json:"request_id"`
}

// event notes something that is no request: a start, a switch, a phase of the shutdown.
func (j *journal) event(name string, facts map[string]any) {
	line := map[string]any{"time": stamp(time.Now()), "event": name}
	for key, value := range facts {
		line[key] = value
	}
	j.write(line)
}

func (j *journal) write(line any) {
	data, err := json.Marshal(line)
	if err != nil {
		return // only maps and structs of ours come here
	}
	j.mutex.Lock()
	defer j.mutex.Unlock()
	_, _ = j.out.Write(append(data, '\n'))
}

func stamp(moment time.Time) string {
	return moment.UTC().Format(timeLayout)
}
