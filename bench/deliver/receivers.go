//go:build linux

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// answerTime is how long a receiver takes to answer, at most: half of it on average.
const answerTime = 20 * time.Millisecond

// receivers are the programs at the other end, each at a path of its own.
type receivers struct {
	url    string
	server *http.Server
	n      int

	mu      sync.Mutex
	secrets []string
	seen    map[string]bool        // receiver and webhook-id
	effects []map[string]int       // of each receiver: how often it took a version of a warning
	arrived map[string][]time.Time // by warning: when each receiver took it first
	news    chan struct{}          // closed and made anew at each arrival
	v       verdict
}

type verdict struct{ requests, repeats, lost, twice, bad int }

func newReceivers(n int) (*receivers, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receivers{url: "http://" + l.Addr().String(), n: n, secrets: make([]string, n), seen: map[string]bool{}, arrived: map[string][]time.Time{}, news: make(chan struct{})}
	for range n {
		r.effects = append(r.effects, map[string]int{})
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: patience}
	go r.server.Serve(l)
	return r, nil
}

func (r *receivers) close() { r.server.Close() }

func (r *receivers) address(i int) string { return r.url + "/" + strconv.Itoa(i) }

// ServeHTTP takes a message as a receiver of Standard Webhooks does: the signature first, then the id, then the effect, and the
// answer last.
func (r *receivers) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, q.Body, 8<<20))
	i, err2 := strconv.Atoi(strings.TrimPrefix(q.URL.Path, "/"))
	if err != nil || err2 != nil || i < 0 || i >= r.n {
		http.Error(w, "what is this?", http.StatusBadRequest)
		return
	}
	r.take(i, q.Header, body)
	time.Sleep(time.Duration(rand.Int64N(int64(answerTime)))) // it may be killed meanwhile: the sender then doesn't know
	w.WriteHeader(http.StatusNoContent)
}

func (r *receivers) take(i int, h http.Header, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.v.requests++
	id, at := h.Get("webhook-id"), h.Get("webhook-timestamp")
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.secrets[i], "whsec_"))
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	sent, err2 := strconv.ParseInt(at, 10, 64)
	fresh := time.Since(time.Unix(sent, 0)).Abs() < 5*time.Minute
	var m struct {
		Data struct {
			Number  string
			Version int
			CAP     string
		}
	}
	err3 := json.Unmarshal(body, &m)
	if err != nil || err2 != nil || err3 != nil || !fresh || id == "" || h.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) ||
		!strings.Contains(m.Data.CAP, m.Data.Number) {
		r.v.bad++
		return
	}
	if k := strconv.Itoa(i) + " " + id; r.seen[k] {
		r.v.repeats++
		return
	} else {
		r.seen[k] = true
	}
	version := fmt.Sprintf("%s.%d", m.Data.Number, m.Data.Version)
	if r.effects[i][version]++; r.effects[i][version] == 1 {
		r.arrived[m.Data.Number] = append(r.arrived[m.Data.Number], time.Now())
	}
	close(r.news)
	r.news = make(chan struct{})
}

func (r *receivers) count(number string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.arrived[number])
}

func (r *receivers) arrivals(number string) []time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]time.Time{}, r.arrived[number]...)
}

// await waits until so many receivers have a warning.
func (r *receivers) await(ctx context.Context, number string, n int) error {
	late := time.After(patience)
	for {
		r.mu.Lock()
		have, news := len(r.arrived[number]), r.news
		r.mu.Unlock()
		if have >= n {
			return nil
		}
		select {
		case <-news:
		case <-late:
			return fmt.Errorf("warning %s has reached %d of %d receivers after %s", number, have, n, patience)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// judge counts what is lost and what was taken twice of so many warnings.
func (r *receivers) judge(warnings int) verdict {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.v
	for _, versions := range r.effects {
		v.lost += warnings - len(versions)
		for _, n := range versions {
			v.twice += n - 1
		}
	}
	return v
}
