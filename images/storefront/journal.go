package main

import (
	"bytes"
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
	head, _ := json.Marshal(struct {
		Time  string `json:"time"`
		Event string `json:"event"`
	}{stamp(time.Now()), name}) // strings always can be written
	tail, err := json.Marshal(facts)
	if err != nil {
		tail = []byte("{}")
	}
	j.writeLine(bytes.Replace(append(head, tail...), []byte("}{"), []byte(","), 1))
}

func (j *journal) request(line access) {
	data, _ := json.Marshal(line) // strings and numbers always can be written
	j.writeLine(data)
}

func (j *journal) writeLine(data []byte) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	_, _ = j.out.Write(append(data, '\n'))
}

func stamp(moment time.Time) string {
	return moment.UTC().Format(timeLayout)
}
