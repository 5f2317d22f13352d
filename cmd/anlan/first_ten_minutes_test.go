package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// docs/first-ten-minutes.md as a newcomer follows it: its commands are run as they stand, and what it asks of an officer is
// done over the API, which is all that the console uses. The city lives twenty times as fast, so that the gas fades in
// seconds.
func TestFirstTenMinutes(t *testing.T) {
	page, err := os.ReadFile("../../docs/first-ten-minutes.md")
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{t: t, dir: t.TempDir(), url: "http://" + freeAddress(t)}
	w.env = append(os.Environ(), "PATH="+filepath.Dir(build(t))+":"+os.Getenv("PATH"), "ANLAN_MQTT=127.0.0.1:0",
		"ANLAN_LISTEN="+strings.TrimPrefix(w.url, "http://"), "ANLAN_URL="+w.url, "ANLAN_SPEED=20", "ANLAN_HISTORY=10m")
	t.Cleanup(w.stop)

	steps := regexp.MustCompile("(?ms)^```sh ?(\\w*)\\n(.*?)^```$|^<!-- officer: (\\w+) -->$").FindAllStringSubmatch(string(page), -1)
	if len(steps) < 9 {
		t.Fatalf("only %d steps on the page", len(steps))
	}
	for _, s := range steps {
		kind, commands, officer := s[1], s[2], s[3]
		switch {
		case officer == "answer":
			w.answer()
		case officer == "verify":
			w.verify()
		case kind == "server":
			w.serve(commands)
		case kind == "kill":
			w.run(commands, true)
			w.server.Wait() // it was killed: its exit status says so and nothing else
			w.server = nil
		default:
			w.run(commands, kind != "fails")
		}
	}
	w.scored()
}

// walk is one newcomer's way through the page.
type walk struct {
	t      *testing.T
	dir    string
	env    []string
	url    string
	server *exec.Cmd
	caseID int64
	stream int64 // whose reading will prove that the gas has gone
	before string
	// greeting ends what the server says once it listens; that of the demo where it is empty.
	greeting string
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve starts the server in the background and waits for its greeting.
func (w *walk) serve(command string) {
	w.t.Helper()
	out, in, err := os.Pipe()
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = exec.Command("sh", "-c", "exec "+command)
	w.server.Dir, w.server.Env, w.server.Stdout, w.server.Stderr = w.dir, w.env, in, in
	if err := w.server.Start(); err != nil {
		w.t.Fatal(err)
	}
	in.Close()
	var said strings.Builder
	buf := make([]byte, 4096)
	greeting := w.greeting
	if greeting == "" {
		greeting = "/console/"
	}
	for !strings.Contains(said.String(), greeting) {
		n, err := out.Read(buf)
		said.Write(buf[:n])
		if err != nil {
			w.t.Fatalf("the server said no address: %v\n%s", err, said.String())
		}
	}
	go io.Copy(io.Discard, out)
	if w.caseID != 0 {
		if after := w.timeline(); !strings.HasPrefix(after, w.before) {
			w.t.Fatalf("the timeline before the kill\n%s\nand after\n%s", w.before, after)
		}
	}
}

func (w *walk) stop() {
	if w.server != nil {
		w.server.Process.Kill()
		w.server.Wait()
	}
}

func (w *walk) run(commands string, wantSuccess bool) {
	w.t.Helper()
	cmd := exec.Command("sh", "-ec", commands)
	cmd.Dir, cmd.Env = w.dir, w.env
	out, err := cmd.CombinedOutput()
	if (err == nil) != wantSuccess {
		w.t.Fatalf("%s\n%v\n%s", commands, err, out)
	}
	w.t.Logf("$ %s%s", commands, out)
}

// officer is a signed-in session.
type officer struct {
	w *walk
	c http.Client
}

func (w *walk) signIn(as string) officer {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	o := officer{w, http.Client{Jar: jar}}
	o.must("POST", "/api/v1/session/demo", map[string]any{"as": as}, nil)
	return o
}

var requests int

// do sends one request; into receives the answer's JSON.
func (o officer) do(method, path string, body, into any) (int, string) {
	o.w.t.Helper()
	var b bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&b).Encode(body); err != nil {
			o.w.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, o.w.url+path, &b)
	if err != nil {
		o.w.t.Fatal(err)
	}
	if body != nil {
		requests++
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", fmt.Sprint("first-ten-minutes-", requests))
	}
	res, err := o.c.Do(req)
	if err != nil {
		o.w.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		o.w.t.Fatal(err)
	}
	if into != nil && res.StatusCode < 300 {
		if err := json.Unmarshal(answer, into); err != nil {
			o.w.t.Fatal(err)
		}
	}
	return res.StatusCode, string(answer)
}

func (o officer) must(method, path string, body, into any) {
	o.w.t.Helper()
	if status, answer := o.do(method, path, body, into); status >= 300 {
		o.w.t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
}

func (o officer) move(name string, fields map[string]any) {
	o.w.t.Helper()
	o.must("POST", fmt.Sprintf("/api/v1/cases/%d/moves", o.w.caseID), map[string]any{"move": name, "fields": fields}, nil)
}

// answer is section 2 of the page.
func (w *walk) answer() {
	duty := w.signIn("duty-officer")
	type alert struct {
		ID          int64
		Level       string
		Rule        struct{ EN string }
		Case        *int64
		Datastream  int64
		Since       time.Time
		RaisedAt    time.Time `json:"raised_at"`
		Datastreams []int64
	}
	var first alert
	for first.Case == nil { // each request takes its time; the alert comes within a minute of the city
		var list struct{ Items []alert }
		duty.must("GET", "/api/v1/alerts?state=open", nil, &list)
		for _, a := range list.Items {
			if a.Case != nil {
				first = a
			}
		}
	}
	if !strings.Contains(first.Rule.EN, "%LEL") {
		w.t.Errorf("the rule in words: %q", first.Rule.EN)
	}
	w.caseID, w.stream = *first.Case, first.Datastream
	duty.must("POST", fmt.Sprintf("/api/v1/alerts/%d/acknowledge", first.ID), map[string]any{"note": "Crew called."}, nil)
	duty.move("accept", nil)
	duty.must("POST", fmt.Sprintf("/api/v1/cases/%d/tasks", w.caseID), map[string]any{"title": "Close the valve upstream"}, nil)
	duty.move("arrive", nil)
	duty.move("report-safe", map[string]any{"cause": "joint", "action": "Main closed, joint renewed."})
	if status, answer := duty.do("POST", fmt.Sprintf("/api/v1/cases/%d/moves", w.caseID), map[string]any{"move": "verify"}, nil); status < 400 {
		w.t.Fatalf("the officer verified the own work: %s", answer)
	}
	w.before = w.timeline()
}

// timeline is what the case's page tells, one line an entry.
func (w *walk) timeline() string {
	var page struct {
		Timeline []struct {
			ID   int64
			Kind string
			Text json.RawMessage
		}
	}
	w.signIn("duty-officer").must("GET", fmt.Sprintf("/api/v1/cases/%d", w.caseID), nil, &page)
	var b strings.Builder
	for _, e := range page.Timeline {
		fmt.Fprintf(&b, "%d %s %s\n", e.ID, e.Kind, e.Text)
	}
	return b.String()
}

// verify is section 4: readings are attached until one proves that the gas has gone.
func (w *walk) verify() {
	second := w.signIn("second-officer")
	evidence := fmt.Sprintf("/api/v1/cases/%d/evidence", w.caseID)
	last, deadline := "", time.Now().Add(3*time.Minute)
	for {
		var history struct {
			Items []struct {
				At    string
				Value float64
			}
		}
		second.must("GET", fmt.Sprintf("/api/v1/datastreams/%d/history?limit=1", w.stream), nil, &history)
		if newest := history.Items[len(history.Items)-1]; newest.At != last && newest.Value < 3 {
			last = newest.At
			second.must("POST", evidence, map[string]any{"kind": "reading", "datastream": w.stream}, nil)
			status, answer := second.do("POST", fmt.Sprintf("/api/v1/cases/%d/moves", w.caseID), map[string]any{"move": "verify"}, nil)
			if status < 300 {
				return
			}
			w.t.Logf("not yet: %s", answer)
		}
		if time.Now().After(deadline) {
			w.t.Fatal("the gas does not fade")
		}
	}
}

// scored looks at the card: the leak was found before it harmed, and nothing else was claimed.
func (w *walk) scored() {
	var card struct {
		Planted, Found int
		False          int       `json:"false_alerts"`
		Warning        []float64 `json:"minutes_of_warning"`
	}
	w.signIn("duty-officer").must("GET", "/api/v1/score", nil, &card)
	if card.Planted != 3 || card.Found < 1 || card.False != 0 || len(card.Warning) == 0 || card.Warning[0] <= 0 {
		w.t.Errorf("score card: %+v", card)
	}
}
