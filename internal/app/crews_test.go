package app

import (
	"context"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/respond"
)

// Alerts of one cause are one case: whoever is sent to it finds what each of them is about, not only what it was opened for.
func TestCrewsMindAllAlertsOfACase(t *testing.T) {
	d := startStorm(t)
	ctx := access.With(context.Background(), access.System("test"))
	var about []subject
	d.until("a case has alerts of two instruments", 4*time.Hour, func() bool {
		all, err := d.detect.List(ctx, detect.Filter{Open: true, Detector: "flood"}, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			if a.Case == nil {
				continue
			}
			c, err := d.respond.Case(ctx, *a.Case)
			if err != nil {
				t.Fatal(err)
			}
			if about, err = d.demo.about(ctx, c); err != nil {
				t.Fatal(err)
			}
			if about[0].asset != d.demo.keys[a.Asset] {
				t.Fatalf("the case of %s is about %v first", a.AssetName.EN, about)
			}
			if len(about) > 1 {
				return true
			}
		}
		return false
	})
	known := map[string]bool{}
	for _, key := range d.demo.keys {
		known[key] = true
	}
	for _, x := range about {
		if !known[x.asset] {
			t.Errorf("a crew is sent to %q", x.asset)
		}
	}
	if alone, err := d.demo.about(ctx, &respond.CasePage{}); err != nil || len(alone) != 1 {
		t.Errorf("a case of no alert: %v, %v", alone, err)
	}
}
