package app

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/reports"
	"github.com/anlan-city/anlan/internal/sim"
)

// Whatever simulated residents call about is sorted: a demo whose reports all wait for a clerk shows nothing.
func TestDemoSortsEveryReport(t *testing.T) {
	s, err := reports.New(reports.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range sim.Categories() {
		id := demoCategories[c.ID]
		known := slices.ContainsFunc(s.Categories(), func(k reports.Category) bool { return k.ID == id })
		if !known || id == reports.Unsorted {
			t.Errorf("%s becomes %q, which the form does not offer", c.ID, id)
		}
	}
	if len(demoCategories) != len(sim.Categories()) {
		t.Errorf("%d categories are sorted, of %d", len(demoCategories), len(sim.Categories()))
	}
}

func TestDemoWaitsOutAnOutage(t *testing.T) {
	c := clock.NewVirtual(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC))
	outage := fmt.Errorf("begin write: %w", driver.ErrBadConn)
	answers := []error{outage, web.Errorf(http.StatusServiceUnavailable, "web.timeout", "it took too long"), outage, nil}
	calls := 0
	done := make(chan error, 1)
	go func() {
		done <- insist(context.Background(), c, "readings", func() error { calls++; return answers[calls-1] })
	}()
	for range len(answers) - 1 {
		c.AwaitSleepers(1)
		c.Advance(demoPause)
	}
	if err := <-done; err != nil || calls != len(answers) {
		t.Errorf("%v after %d calls", err, calls)
	}

	// What will never be taken ends the run with its reason.
	refused := web.Errorf(http.StatusForbidden, "access.denied", "no")
	if err := insist(context.Background(), c, "readings", func() error { return refused }); !errors.Is(err, refused) {
		t.Error(err)
	}

	// A demo that is stopped during an outage stops.
	ctx, stop := context.WithCancel(context.Background())
	go func() { done <- insist(ctx, c, "readings", func() error { return outage }) }()
	c.AwaitSleepers(1)
	stop()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
