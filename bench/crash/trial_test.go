//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"github.com/anlan-city/anlan/bench/crash/forgetfs"
)

// fakeTrial is a trial whose server answers each path with what the test says.
func fakeTrial(t *testing.T, answers map[string]any) *trial {
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		if !ok {
			http.Error(w, `{"code":"not_found"}`, http.StatusNotFound)
			return
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(h.Close)
	s := &server{url: h.URL}
	return &trial{out: &outcome{}, server: s, local: newClient(s, false), book: newBook(), officer: &officer{done: map[deed]bool{}}}
}

type obj = map[string]any

func items(all ...any) obj { return obj{"items": all} }

func reading(alarm, n int) obj { return obj{"at": at(n), "value": value(alarm, n)} }

// TestReadingsAreHeldAgainstTheBook: the bench itself must see what it is there to see.
func TestReadingsAreHeldAgainstTheBook(t *testing.T) {
	ctx := context.Background()
	history := func(rs ...any) obj { return obj{"/api/v1/datastreams/7/history": items(rs...)} }
	marked := func(n int, mark string) obj { return obj{"at": at(n), "value": value(0, n), "marks": []string{mark}} }
	for _, test := range []struct {
		name    string
		answers obj
		want    tally
	}{
		{"all there", history(reading(0, 1), reading(0, 2), reading(0, 4)), tally{there: 1}},
		{"one lost", history(reading(0, 1)), tally{lost: 1}},
		{"one doubled", history(reading(0, 1), reading(0, 2), reading(0, 2)), tally{doubled: 1}},
		{"an unanswered one doubled", history(reading(0, 1), reading(0, 2), reading(0, 4), reading(0, 4)), tally{doubled: 1, there: 1}},
		{"one changed", history(reading(0, 1), obj{"at": at(2), "value": 9.5}), tally{lost: 1, doubled: 1}},
		{"one sent again, marked", history(reading(0, 1), reading(0, 2), marked(2, "duplicate")), tally{again: 1}},
		{"one sent again, not marked", history(reading(0, 1), reading(0, 2), marked(2, "conflict")), tally{doubled: 1}},
		{"one sent again, all marked", history(reading(0, 1), marked(2, "duplicate")), tally{again: 1, lost: 1}},
		{"one marked that was sent once", history(reading(0, 1), marked(1, "duplicate"), reading(0, 2)), tally{doubled: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := fakeTrial(t, test.answers)
			tr.streams = []int64{7}
			tr.book.note([]number{{0, 1}, {0, 2}}, nil)
			tr.book.note([]number{{0, 3}, {0, 4}}, fmt.Errorf("%w: cut", errNoAnswer))
			tr.book.repeat(number{0, 2})
			if _, err := tr.readings(ctx); err != nil {
				t.Fatal(err)
			}
			if got := tr.out.ways[wayOf(0)]; got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	t.Run("one that was never sent", func(t *testing.T) {
		tr := fakeTrial(t, history(reading(0, 1)))
		tr.streams = []int64{7}
		if _, err := tr.readings(ctx); err == nil {
			t.Error("accepted")
		}
	})
	t.Run("a datastream that is gone, in the control run", func(t *testing.T) {
		tr := fakeTrial(t, nil)
		tr.streams, tr.noSync = []int64{7}, true
		tr.book.note([]number{{0, 1}, {0, 2}}, nil)
		if _, err := tr.readings(ctx); err != nil || tr.out.lost() != 2 {
			t.Errorf("%v, %+v", err, tr.out)
		}
	})
}

// TestHearingIsHeldAgainstTheBook: a gap, another order and a message of what is not there are seen; one that comes again is
// no matter.
func TestHearingIsHeldAgainstTheBook(t *testing.T) {
	message := func(n int, result float64) *packets.Publish {
		return &packets.Publish{Topic: topic(7), Payload: fmt.Appendf(nil, `{"phenomenonTime":%q,"result":%v}`, at(n).Format(time.RFC3339), result)}
	}
	for _, test := range []struct {
		name  string
		heard []*packets.Publish
		want  hearing
	}{
		{"all", []*packets.Publish{message(1, value(0, 1)), message(2, value(0, 2)), message(1, value(0, 1))}, hearing{readings: 2}},
		{"a gap", []*packets.Publish{message(2, value(0, 2))}, hearing{readings: 1, missed: 1}},
		{"another order", []*packets.Publish{message(2, value(0, 2)), message(1, value(0, 1))}, hearing{readings: 2, unordered: 1}},
		{"what is not there", []*packets.Publish{message(1, value(0, 1)), message(2, value(0, 2)), message(4, value(0, 4))}, hearing{readings: 3, untrue: 1}},
		{"another value", []*packets.Publish{message(1, value(0, 1)), message(2, 9.5)}, hearing{readings: 1, missed: 1, untrue: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := fakeTrial(t, nil)
			tr.subscriber = subscriberTo(tr.server, []int64{7}, 1)
			tr.book.note([]number{{0, 1}, {0, 2}}, nil)
			for _, m := range test.heard {
				if err := tr.subscriber.hear(m); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel() // so that it does not wait for a message that never comes
			if err := tr.hearing(ctx, [alarms][]int{0: {1, 2}}); err != nil || tr.out.heard != test.want {
				t.Errorf("got %+v, %v, want %+v", tr.out.heard, err, test.want)
			}
		})
	}
}

func TestDecisionsAreHeldAgainstTheHistories(t *testing.T) {
	acknowledged := obj{"history": []any{obj{"kind": "raised"}, obj{"kind": "acknowledged"}}}
	moved := func(moves ...string) obj {
		var timeline []any
		for _, m := range moves {
			timeline = append(timeline, obj{"kind": "move", "data": obj{"move": m}})
		}
		return obj{"items": append(timeline, obj{"kind": "note"})}
	}
	for _, test := range []struct {
		name    string
		answers obj
		lost    int
	}{
		{"all there", obj{"/api/v1/alerts/1": acknowledged, "/api/v1/cases/2/timeline": moved("accept", "arrive")}, 0},
		{"acknowledgement lost", obj{"/api/v1/alerts/1": obj{"history": []any{}}, "/api/v1/cases/2/timeline": moved("accept", "arrive")}, 1},
		{"move lost", obj{"/api/v1/alerts/1": acknowledged, "/api/v1/cases/2/timeline": moved("accept")}, 1},
		{"move carried out twice", obj{"/api/v1/alerts/1": acknowledged, "/api/v1/cases/2/timeline": moved("accept", "arrive", "arrive")}, 1},
		{"alert and case gone", nil, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := fakeTrial(t, test.answers)
			tr.officer.done = map[deed]bool{{alert: 1}: true, {case_: 2, move: "accept"}: true, {case_: 2, move: "arrive"}: true}
			if err := tr.decisions(context.Background()); err != nil || tr.out.lostDeeds != test.lost {
				t.Errorf("%v, lost %d, want %d", err, tr.out.lostDeeds, test.lost)
			}
		})
	}
}

func TestAlertsAndTheirCases(t *testing.T) {
	history := func(levels ...string) obj {
		var h []any
		for i, l := range levels {
			h = append(h, obj{"at": at(i), "kind": "level", "level": l})
		}
		return obj{"history": append(h, obj{"at": at(9), "kind": "acknowledged", "level": "red"})}
	}
	alert := func(id int, kind string) obj {
		return obj{"id": id, "kind": kind, "detector": "gas/x", "asset_name": obj{"en": fmt.Sprint("A", id)}, "since": at(0)}
	}
	tr := fakeTrial(t, obj{
		"/api/v1/alerts":   items(alert(1, "hazard"), alert(2, "hazard"), alert(3, "monitoring")),
		"/api/v1/alerts/1": history("yellow", "red"), "/api/v1/alerts/2": history("yellow"),
		"/api/v1/cases": items(obj{"alert": 1}, obj{"alert": 1}, obj{"alert": nil}),
	})
	alerts, opening, err := alertsOf(context.Background(), tr.local)
	if err != nil || len(opening) != 1 || !opening[1] {
		t.Fatal(err, opening)
	}
	want := map[string]string{
		"gas/x of A1 since 2026-01-01T00:00:00Z": "0101T000000 level yellow, 0101T000030 level red",
		"gas/x of A2 since 2026-01-01T00:00:00Z": "0101T000000 level yellow",
	}
	if fmt.Sprint(alerts) != fmt.Sprint(want) {
		t.Errorf("got %v", alerts)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel() // so that it does not wait for a case that never comes
	if err := tr.cases(context.Background(), map[int64]bool{}); err != nil || tr.out.caseDifferences != 1 {
		t.Errorf("%v, an alert with two cases: %d differences", err, tr.out.caseDifferences)
	}
	if err := tr.cases(done, opening); err == nil {
		t.Error("a cancelled look is an error")
	}
}

func TestVerdict(t *testing.T) {
	good := outcome{name: "x", disturbed: 3, ways: [ways]tally{{acked: 100}}, heard: hearing{readings: 100}, deeds: 5, alerts: 2, ledger: ledgerGood}
	bad := func(change func(*outcome)) outcome {
		o := good
		change(&o)
		return o
	}
	control := outcome{disturbed: 1, ways: [ways]tally{{lost: 9}}}
	for _, test := range []struct {
		name                 string
		killed, cut, control outcome
		why                  string
		want                 string // part of the error, "" for none
	}{
		{"all well", good, good, control, "", ""},
		{"no FUSE", good, outcome{}, outcome{}, "no /dev/fuse", ""},
		{"control lost nothing", good, good, outcome{disturbed: 1}, "", "prove nothing"},
		{"reading lost", good, bad(func(o *outcome) { o.ways[byMQTT].lost = 1 }), control, "", "1 lost"},
		{"decision lost", bad(func(o *outcome) { o.lostDeeds = 1 }), good, control, "", "1 lost"},
		{"reading doubled", bad(func(o *outcome) { o.ways[bySingle].doubled = 2 }), good, control, "", "2 doubled"},
		{"message missed", bad(func(o *outcome) { o.heard.missed = 1 }), good, control, "", "1 lost"},
		{"message of nothing", good, bad(func(o *outcome) { o.heard.untrue = 1 }), control, "", "1 lost"},
		{"messages out of order", bad(func(o *outcome) { o.heard.unordered = 1 }), good, control, "", "out of order"},
		{"nothing heard", good, bad(func(o *outcome) { o.heard = hearing{} }), control, "", "prove nothing"},
		{"another alert", good, bad(func(o *outcome) { o.alertDifferences = 1 }), control, "", "undisturbed"},
		{"case missing", good, bad(func(o *outcome) { o.caseDifferences = 1 }), control, "", "one case"},
		{"ledger broken", good, bad(func(o *outcome) { o.ledger = "FAILS" }), control, "", "ledger FAILS"},
		{"no alerts at all", bad(func(o *outcome) { o.alerts = 0 }), good, control, "", "prove nothing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := verdict(test.killed, test.cut, test.control, test.why)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestTableSaysWhy: without FUSE the line says powercuts=0 and the table says why.
func TestTableSaysWhy(t *testing.T) {
	var out bytes.Buffer
	printTable(&out, []outcome{{name: "SIGKILL", disturbed: 3}}, fmt.Sprintf("no power was cut: %v", errors.Join(forgetfs.ErrUnavailable)))
	if !strings.Contains(out.String(), "no power was cut: FUSE is not available") {
		t.Error(out.String())
	}
}

// TestGateDroppedTwice: who waits must not be left behind when the server goes down once more before it was up.
func TestGateDroppedTwice(t *testing.T) {
	g := newGate()
	passed := make(chan bool)
	g.mu.Lock() // so that the waiter is sure to take the channel of now
	open := g.open
	g.mu.Unlock()
	go func() { <-open; passed <- true }()
	g.drop()
	g.drop()
	g.lift()
	<-passed
}
