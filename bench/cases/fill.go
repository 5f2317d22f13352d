//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/pack"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/respond"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// longLines is how many lines the first of the quiet cases has in its timeline, as one that has lived through a storm.
const longLines = 700

// batch is how many cases are opened in one transaction.
const batch = 500

// nowhere is a register of a city without places.
type nowhere struct{}

func (nowhere) Locate(_ context.Context, s inspect.Spot) (inspect.Spot, error) { return s, nil }
func (nowhere) Name(context.Context, string, int64) lifecycle.Text             { return lifecycle.Text{} }
func (nowhere) Above(organisation, other int64) bool                           { return organisation == other }
func (nowhere) Latest(context.Context, int64) (lifecycle.Reading, error) {
	return lifecycle.Reading{}, db.ErrNotFound
}

// filled is what the store holds before the server starts.
type filled struct {
	Open  int     // cases
	Quiet []int64 // cases of which nothing falls due in the run: people work on these
}

// fill opens cases through the room itself, in the past, so that some of their appointments fall due while the bench runs:
// the times in w.Due, one for each of the first cases, every other one a promise that runs across states.
func fill(ctx context.Context, w fillWork) (filled, error) {
	var out filled
	d, err := db.Open(ctx, db.Options{URL: "sqlite:" + filepath.Join(w.Data, "anlan.db")})
	if err != nil {
		return out, err
	}
	defer d.Close()
	p, err := pack.Load(os.DirFS(w.Packs), w.Packs)
	if err != nil {
		return out, err
	}
	kinds, err := lifecycle.Kinds(p)
	if err != nil {
		return out, err
	}
	room, err := respond.New(respond.Deps{DB: d, Clock: clock.System(), Access: access.AllowAll, Readings: nowhere{}, Register: nowhere{},
		Findings: inspect.New(inspect.Deps{DB: d, Clock: clock.System(), Access: access.AllowAll, Register: nowhere{}}), Kinds: kinds})
	if err != nil {
		return out, err
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	rng := rand.New(rand.NewPCG(1, 1))
	n, due := w.Cases, w.Due
	for from := 0; from < n; from += batch {
		err := d.Write(ctx, func(tx *db.Tx) error {
			for i := from; i < min(n, from+batch); i++ {
				opened, by := now.Add(-time.Hour-time.Duration(rng.Int64N(int64(24*time.Hour)))), now.Add(far)
				if i < len(due) && i%2 == 0 {
					by = due[i]
				} else if i < len(due) {
					opened = due[i].Add(-firstAnswer)
				}
				o := respond.Opening{Kind: work, Title: fmt.Sprintf("Work %d", i), Fields: map[string]any{"by": by.Format(time.RFC3339Nano)}}
				o.Owner = w.Owner
				c, _, err := room.Open(tx, access.System("bench"), o, respond.Entry{Kind: "note", Free: "opened"}, opened)
				if err != nil {
					return err
				}
				if i >= len(due) {
					out.Quiet = append(out.Quiet, c.ID)
				}
			}
			// They were opened hours ago, so the news of it was told hours ago.
			_, err := tx.Exec("delete from outbox")
			return err
		})
		if err != nil {
			return out, err
		}
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		for i := range longLines {
			e := respond.Entry{Kind: "note", Actor: access.System("bench"), Free: fmt.Sprintf("line %d", i), At: now}
			if err := room.Enter(tx, out.Quiet[0], &e); err != nil {
				return err
			}
		}
		_, err := tx.Exec("delete from outbox")
		return err
	})
	if err != nil {
		return out, err
	}
	return out, d.Read(ctx, func(tx *db.Tx) error {
		return tx.QueryRow("select count(*) from cases where closed_at is null").Scan(&out.Open)
	})
}
