package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/bus"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// heartbeat is how often a quiet stream says that it lives; a console that misses two says that its data is old.
const heartbeat = 15 * time.Second

// reads are the actions that let one see what is told of a room; of others city.read does.
var reads = map[string]string{
	"case": "case.read", "report": "report.read", "finding": "finding.read", "alert": "alert.read", "warning": "warning.read",
	"relay": "warning.received",
	"task":  "case.read", "notice": "notice.read",
}

// visible tells whether the actor of ctx may see an event: it is decided as for the thing that it tells of. What can't be
// read is for nobody.
func visible(ctx context.Context, d access.Decider, m bus.Message) bool {
	var facts map[string]json.RawMessage
	if json.Unmarshal(m.Data, &facts) != nil {
		return false
	}
	number := func(names ...string) (n int64) {
		for _, name := range names {
			if n == 0 && json.Unmarshal(facts[name], &n) != nil {
				n = 0
			}
		}
		return n
	}
	room, _, _ := strings.Cut(m.Subject, ".")
	action := reads[room]
	if action == "" {
		action = "city.read"
	}
	// What has no number of its own, such as a sound, is told of by what it is about.
	r := access.Resource{Type: room, ID: number(room, "id"), Organisation: number("owner", "organisation"), Area: number("area")}
	if parties := facts["parties"]; parties != nil && json.Unmarshal(parties, &r.Parties) != nil {
		return false
	}
	var scope string
	if (room == "warning" || room == "relay") && json.Unmarshal(facts["scope"], &scope) == nil && scope != cap.Public {
		action = "warning.restricted"
		if json.Unmarshal(facts["concerns"], &r.Touches) != nil {
			return false
		}
	}
	return d.Decide(ctx, action, r, access.Operations) == nil
}

// live streams events to a browser as server-sent events. The id of each is its place in EVENTS, so a browser that comes
// back with Last-Event-ID misses none.
func (a *App) live(w http.ResponseWriter, r *http.Request) {
	// The heart beats in the machine's time: a demo that runs a hundred times as fast would send nothing else.
	a.follow(w, r, clock.System())
}

func (a *App) follow(w http.ResponseWriter, r *http.Request, real clock.Clock) {
	if err := a.access.Decide(r.Context(), "live.read", access.Resource{Type: "event"}, access.Operations); err != nil {
		web.WriteError(w, r, err)
		return
	}
	after, err := a.resume(r)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	messages, failed := make(chan bus.Message), make(chan error, 1)
	go func() {
		failed <- a.bus.Follow(ctx, after, func(m bus.Message) error {
			select {
			case messages <- m:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy in front must not hold events back
	out := http.NewResponseController(w)
	for wait := real.After(0); ; { // the first heartbeat at once: the console sees that the stream stands
		select {
		case m := <-messages:
			after = m.Seq
			if !visible(ctx, a.access, m) {
				continue // the next heartbeat tells the browser how far it is
			}
			_, err = fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", m.Seq, m.Subject, withSubject(m))
		case <-wait:
			if !a.access.Alive(ctx) {
				return // signed out, or no longer allowed: the stream ends with the session
			}
			_, err = fmt.Fprintf(w, "id: %d\nevent: heartbeat\ndata: {\"at\":%q}\n\n", after, a.clock.Now().UTC().Format(time.RFC3339))
			wait = real.After(heartbeat)
		case <-failed:
			return // the browser comes back with Last-Event-ID
		case <-a.closing:
			return
		case <-ctx.Done():
			return
		}
		if err != nil || out.Flush() != nil {
			return
		}
	}
}

// resume is the place after which the browser wants events: its last one, or now.
func (a *App) resume(r *http.Request) (uint64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return a.bus.LastSeq(r.Context())
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, web.Errorf(http.StatusBadRequest, "live.bad_id", "expected the id of an event, got %q", text).At("Last-Event-ID")
	}
	return seq, nil
}

// withSubject puts the subject into the event's object.
func withSubject(m bus.Message) []byte {
	head := []byte(`{"subject":` + strconv.Quote(m.Subject))
	rest := bytes.TrimPrefix(bytes.TrimSpace(m.Data), []byte("{"))
	if !bytes.HasPrefix(rest, []byte("}")) {
		head = append(head, ',')
	}
	return append(head, rest...)
}
