package inspect

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
)

type register struct{}

func (register) Locate(_ context.Context, s Spot) (Spot, error) {
	if s.Asset > 10 {
		return s, fmt.Errorf("asset %d: %w", s.Asset, db.ErrNotFound)
	}
	s.Place, s.Area, s.Owner = 20, 30, s.Asset%2+40 // odd assets belong to 41, even ones to 40
	if s.Point == nil {
		s.Point = &[2]float64{121.5, 31.2}
	}
	return s, nil
}

// only lets an inspector see what organisation 41 answers for.
type only struct{ access.Decider }

func (only) Decide(_ context.Context, action string, r access.Resource, _ access.Purpose) error {
	if r.ID != 0 && r.Organisation != 41 {
		return web.Errorf(403, "access.denied", "not yours")
	}
	return nil
}

func rooms() []db.Migrations {
	return []db.Migrations{ledger.Migrations(), outbox.Migrations(), Migrations()}
}

func inspector(id int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: id, Name: "inspector", Roles: []string{"inspector"}})
}

func count(t *testing.T, d *db.DB, query string, args ...any) (n int) {
	t.Helper()
	if err := d.Read(context.Background(), func(tx *db.Tx) error { return tx.QueryRow(query, args...).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStore(t *testing.T) {
	dbtest.Each(t, rooms(), func(t *testing.T, d *db.DB) {
		now := clock.NewVirtual(time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC))
		s := New(Deps{DB: d, Clock: now, Access: access.AllowAll, Register: register{}})
		draft := Draft{Asset: 1, Description: " Hose cracked; ask 13812345678 ", Grade: Major, Checklist: "gas-3 张三 13812345678"}

		first, err := s.Record(inspector(5), draft, "k1")
		if err != nil {
			t.Fatal(err)
		}
		now.Advance(time.Minute)
		draft.Description = "something else"
		again, err := s.Record(inspector(5), draft, "k1")
		if err != nil || again.ID != first.ID || again.Description != "Hose cracked; ask 13812345678" || !again.At.Equal(first.At) {
			t.Errorf("repeat gives %+v %v, want the first again %+v", again, err, first)
		}
		if other, err := s.Record(inspector(6), draft, "k1"); err != nil || other.ID == first.ID {
			t.Errorf("another inspector's same key gave %+v %v, want his own finding", other, err)
		}
		for range 2 { // without a key each request is a finding
			if _, err := s.Record(inspector(5), Draft{Asset: 2, Description: "x", Grade: General}, ""); err != nil {
				t.Fatal(err)
			}
		}
		if n := count(t, d, "select count(*) from findings"); n != 4 {
			t.Errorf("%d findings, want 4", n)
		}
		if n := count(t, d, "select count(*) from outbox where subject = 'finding.recorded'"); n != 4 {
			t.Errorf("%d events, want 4", n)
		}
		if n := count(t, d, "select count(*) from ledger_leaves where subject = 'finding'"); n != 4 {
			t.Errorf("%d ledger leaves, want 4", n)
		}
		got, err := s.Finding(inspector(5), first.ID)
		if err != nil || got.Place != 20 || got.Owner != 41 || got.Point == nil || got.Point[0] != 121.5 {
			t.Errorf("read back %+v %v", got, err)
		}
		if n := count(t, d, `select (select count(*) from ledger_leaves where record like '%138%') + (select count(*) from outbox where payload like '%138%')`); n != 0 || got.Checklist != "gas-3 张三 ***" {
			t.Errorf("%d entries of the ledger and events tell a phone number; checklist %q", n, got.Checklist)
		}
		if v := got.View(); v.Description != "Hose cracked; ask ***" {
			t.Errorf("shown as %q", v.Description)
		}

		// One page at a time, all of them, each once; and only what the actor may see.
		s.Access = only{}
		var seen []int64
		for next, turns := int64(0), 0; turns == 0 || next != 0; turns++ {
			var page []Finding
			if page, next, err = s.Findings(inspector(5), next, 1); err != nil {
				t.Fatal(err)
			}
			for _, f := range page {
				seen = append(seen, f.ID)
			}
		}
		if len(seen) != 2 || seen[1] != first.ID {
			t.Errorf("pages show %v, want the two of organisation 41, newest first", seen)
		}
		if _, err := s.Finding(inspector(5), first.ID+3); err == nil {
			t.Error("a finding of another organisation is shown")
		}
	})
}

func TestRefusals(t *testing.T) {
	s := New(Deps{DB: dbtest.SQLite(t, rooms()...), Clock: clock.NewVirtual(time.Unix(0, 0)), Access: access.AllowAll, Register: register{}})
	good := Draft{Asset: 1, Description: "x", Grade: General}
	for name, tt := range map[string]struct {
		change func(d *Draft)
		field  string
	}{
		"no description":   {func(d *Draft) { d.Description = " \n" }, "description"},
		"too long":         {func(d *Draft) { d.Description = strings.Repeat("长", maxDescription+1) }, "description"},
		"NUL":              {func(d *Draft) { d.Description = "a\x00b" }, "description"},
		"broken UTF-8":     {func(d *Draft) { d.Checklist = "\xff" }, "checklist"},
		"unknown grade":    {func(d *Draft) { d.Grade = "huge" }, "grade"},
		"nowhere":          {func(d *Draft) { d.Asset = 0 }, "asset"},
		"not on earth":     {func(d *Draft) { d.Point = &[2]float64{200, 1} }, "point"},
		"not a number":     {func(d *Draft) { d.Point = &[2]float64{math.NaN(), 1} }, "point"},
		"asset of no city": {func(d *Draft) { d.Asset = 11 }, "asset"},
	} {
		d := good
		tt.change(&d)
		_, err := s.Record(inspector(1), d, "")
		var e *web.Error
		if !errors.As(err, &e) || e.Field != tt.field || e.Status != 422 {
			t.Errorf("%s: %v, want a refusal of %s", name, err, tt.field)
		}
	}
}
