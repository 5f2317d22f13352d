package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/reports"
	"github.com/anlan-city/anlan/internal/respond/deadline"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// deadlines is the report on deadlines with the words of packs and categories.
func deadlines(d *db.DB, c clock.Clock, a access.Decider, r deadline.Register, p packs, categories []reports.Category) *deadline.Service {
	kindTitles := map[string]lifecycle.Text{}
	for _, k := range p.cases {
		kindTitles[k.ID] = k.Title
	}
	return deadline.New(deadline.Deps{
		DB: d, Clock: c, Access: a, Register: r,
		KindTitle:     func(id string) lifecycle.Text { return kindTitles[id] },
		CategoryTitle: categoryTitle(categories),
		PostTitle:     p.posts.title,
	})
}

// categoryTitle finds what people call a category of reports.
func categoryTitle(categories []reports.Category) func(id string) lifecycle.Text {
	titles := map[string]lifecycle.Text{}
	for _, c := range categories {
		titles[c.ID] = lifecycle.Words(c.Title.English, c.Title.Chinese)
	}
	return func(id string) lifecycle.Text { return titles[id] }
}

var _ deadline.Register = register{}

// AreaAbove fulfils deadline.Register.
func (r register) AreaAbove(area int64) int64 { return r.city.AreaAbove(area) }

// OpenDeadlines reads the report straight from a data folder or a PostgreSQL database, beside a running server or without one. It
// sees what the city itself may see: who can read the files can read everything in them. The caller closes.
func OpenDeadlines(ctx context.Context, data, database string, packDirs []string) (*deadline.Service, context.Context, func() error, error) {
	url := database
	if url == "" {
		file := filepath.Join(data, "anlan.db")
		if _, err := os.Stat(file); err != nil {
			return nil, ctx, nil, fmt.Errorf("no city in %s: %w", data, err)
		}
		url = "sqlite:" + file
	}
	packs, err := LoadPacks(packDirs...)
	if err != nil {
		return nil, ctx, nil, err
	}
	categories, err := reports.Shipped()
	if err != nil {
		return nil, ctx, nil, err
	}
	policy, err := access.NewPolicy(nil)
	if err != nil {
		return nil, ctx, nil, err
	}
	store, err := db.Open(ctx, db.Options{URL: url, ReadOnly: true})
	if err != nil {
		return nil, ctx, nil, err
	}
	ctx = access.With(ctx, access.System("report"))
	c := city.New(city.Deps{DB: store, Clock: clock.System(), Access: policy, Kinds: packs})
	if err := c.Load(ctx); err != nil {
		_ = store.Close() // the error that matters is the first
		return nil, ctx, nil, err
	}
	return deadlines(store, clock.System(), policy, register{&App{city: c}}, packs, categories), ctx, store.Close, nil
}
