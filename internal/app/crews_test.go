package app

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/respond"
)

// Alerts of one cause are one case: whoever is sent to it finds what each of them is about, but for those that have a case of their own.
func TestCrewsMindTheWholeGroup(t *testing.T) {
	d := startStorm(t)
	ctx := access.With(context.Background(), access.System("test"))
	var led, lead *detect.Alert
	d.until("an alert without a case is led by one that has one", 3*time.Hour, func() bool {
		all, err := d.detect.List(ctx, detect.Filter{Open: true, Detector: "flood"}, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.Lead == 0 || a.Case != nil {
				continue
			}
			i := slices.IndexFunc(all, func(x *detect.Alert) bool { return x.ID == a.Lead && x.Case != nil && x.Asset != a.Asset })
			if i >= 0 {
				led, lead = a, all[i]
				return true
			}
		}
		return false
	})
	c, err := d.respond.Case(ctx, *lead.Case)
	if err != nil {
		t.Fatal(err)
	}
	about, err := d.demo.about(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	at := func(asset int64) bool {
		return slices.ContainsFunc(about, func(x subject) bool { return x.asset != "" && x.asset == d.demo.keys[asset] })
	}
	if !at(lead.Asset) || !at(led.Asset) {
		t.Errorf("the crew of %s's case minds %v, not %s", lead.AssetName.EN, about, led.AssetName.EN)
	}
	all, err := d.detect.List(ctx, detect.Filter{Led: lead.ID}, 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Case != nil && at(a.Asset) {
			t.Errorf("%s has a case of its own", a.AssetName.EN)
		}
	}
	if alone, err := d.demo.about(ctx, &respond.CasePage{}); err != nil || len(alone) != 1 {
		t.Errorf("a case of no alert: %v, %v", alone, err)
	}
}
