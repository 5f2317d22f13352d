package app

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
	"github.com/anlan-city/anlan/internal/respond/notify"
)

// vapidFile is the file of the data folder with the keys of web push: without it every browser has to subscribe anew.
const vapidFile = "vapid.json"

// buildNotices makes the room that tells posts, and the outbox by which what it tells leaves the program.
func (a *App) buildNotices() error {
	contact := a.options.Sender
	if strings.HasPrefix(a.options.PublicURL, "https://") {
		contact = a.options.PublicURL
	}
	var err error
	a.push, err = delivery.NewWebPush(a.clock, delivery.PushOptions{
		KeyFile: filepath.Join(a.options.Data, vapidFile), Contact: contact, Networks: a.options.PushNetworks,
	})
	if err != nil {
		return err
	}
	a.notify, err = notify.New(notify.Deps{
		DB: a.db, Clock: a.clock, Access: a.access, Accounts: a.access, Cases: a.respond, Alerts: alerts{a}, Warnings: a.warn, Register: duties{a}, Findings: a.inspect,
		News: a.bus, Push: a.push, Chains: a.packs.chains, Kinds: a.packs.caseTitle, Posts: a.packs.posts.title,
	})
	if err != nil {
		return err
	}
	adapters, err := a.channels()
	if err != nil {
		return err
	}
	adapters[notify.FileChannel], adapters[notify.PushChannel] = delivery.NewFile(a.options.Data), a.push
	a.delivery = delivery.New(delivery.Deps{
		DB: a.db, Clock: a.clock, Adapters: adapters, Resolve: a.reach.Resolve,
		Gone: func(tx *db.Tx, channel, address string) error {
			return errors.Join(a.notify.Gone(tx, channel, address), a.reach.Gone(tx, channel, address))
		},
	})
	return nil
}

// caseTitle is the title of a kind of case.
func (p packs) caseTitle(kind string) lifecycle.Text {
	for _, k := range p.cases {
		if k.ID == kind {
			return k.Title
		}
	}
	return lifecycle.Text{}
}

// alerts fulfils notify.Alerts.
type alerts struct{ *App }

var _ notify.Alerts = alerts{}

// Standing fulfils notify.Alerts.
func (a alerts) Standing(tx *db.Tx, alert int64) (state string, rests bool, err error) {
	return a.detect.Standing(tx, alert)
}

// Acknowledge fulfils notify.Alerts.
func (a alerts) Acknowledge(ctx context.Context, alert int64) error {
	_, err := a.detect.Acknowledge(ctx, alert, "")
	return err
}

// duties fulfils notify.Register.
type duties struct{ *App }

var _ notify.Register = duties{}

// Holders fulfils notify.Register.
func (d duties) Holders(ctx context.Context, t notify.Thing) (by map[string][]notify.Holder, around []notify.Thing, err error) {
	things, err := d.city.Around(ctx, t.Subject, t.ID)
	if gone(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	for _, x := range things {
		around = append(around, notify.Thing{Subject: x.Subject, ID: x.ID})
	}
	held, err := d.city.DutiesFor(ctx, t.Subject, t.ID)
	if gone(err) {
		return nil, around, nil
	}
	if err != nil {
		return nil, nil, err
	}
	by = map[string][]notify.Holder{}
	for _, x := range held {
		by[x.Kind] = append(by[x.Kind], notify.Holder{
			Organisation: x.Organisation, Post: x.Post, Lead: x.Role != "assist", Over: notify.Thing{Subject: x.Subject, ID: x.SubjectID},
		})
	}
	return by, around, nil
}

// gone says whether an error is that something is no longer in the register.
func gone(err error) bool {
	var e *web.Error
	return errors.As(err, &e) && e.Status == http.StatusNotFound || errors.Is(err, db.ErrNotFound)
}

// Gap fulfils notify.Register.
func (d duties) Gap(ctx context.Context, kind string, t notify.Thing) (notify.Gap, error) {
	at, name, point, err := d.city.Gap(ctx, kind, t.Subject, t.ID)
	if gone(err) {
		return notify.Gap{Thing: t}, nil
	}
	g := notify.Gap{Thing: notify.Thing{Subject: at.Subject, ID: at.ID}, Name: lifecycleText(name)}
	if point != nil {
		p := [2]float64(*point)
		g.Point = &p
	}
	return g, err
}

// City fulfils notify.Register.
func (d duties) City() int64 { return d.city.WholeCity() }

// Organisation fulfils notify.Register.
func (d duties) Organisation(key string) (int64, bool) { return d.city.OrganisationID(key) }

// Name fulfils notify.Register.
func (d duties) Name(organisation int64) lifecycle.Text {
	return lifecycleText(d.city.OrganisationName(organisation))
}

// Where fulfils notify.Register. Something in a home is called by its building: its own name may hold the flat.
func (d duties) Where(s inspect.Spot) lifecycle.Text {
	if x, ok := d.city.AssetSpot(s.Asset); ok && s.Asset != 0 {
		if x.Home {
			return lifecycleText(x.PlaceName)
		}
		return lifecycleText(x.AssetName)
	}
	if x, ok := d.city.PlaceSpot(s.Place); ok && s.Place != 0 {
		return lifecycleText(x.PlaceName)
	}
	return lifecycleText(d.city.AreaName(s.Area))
}

func lifecycleText(n city.Name) lifecycle.Text {
	return lifecycle.Text{En: n.In("en"), Zh: n.In("zh-CN")}
}

var _ notify.Accounts = (*access.Service)(nil)
