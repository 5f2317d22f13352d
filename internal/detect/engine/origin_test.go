package engine

import (
	"slices"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/methods/series"
)

const someOrigin = "  origin: {among: [fence-monitor, power/substation], wind: {from: weather/wind-direction, speed: weather/wind-speed}}\n  because: {en: \"{{value}} {{unit}}, "

// What a rule leaves out follows from the rule itself, or is what the declaration says.
func TestOrigin(t *testing.T) {
	plain := compiled(t, testDetectors)[1]
	d := compiled(t, replaceOnce(t, testDetectors, "  because: {en: \"{{value}} {{unit}}, ", someOrigin))[1]
	o := d.Origin
	if plain.Origin != nil || o == nil {
		t.Fatal(plain.Origin, o)
	}
	if !slices.Equal(o.Among, []string{"gas/fence-monitor", "power/substation"}) || o.From != "weather/wind-direction" || o.Speed != "weather/wind-speed" ||
		o.Within != 500 || o.Near != 3000 || o.Meander != 12 || o.Calm != 0.5 {
		t.Errorf("%+v", o)
	}
	if o.Blank != 0.5 || o.Memory != 2*time.Hour { // clear: excess < 0.5 for 60m
		t.Errorf("%+v", o)
	}
	if want := (series.Follow{Rise: 0.05, Fall: micros(30 * time.Minute), Every: micros(time.Minute)}); o.Background != want {
		t.Errorf("%+v", o.Background)
	}
	if d.hash != plain.hash {
		t.Error("a rule that looks for origins starts anew, though the engine keeps nothing of it")
	}
	said := compiled(t, replaceOnce(t, replaceOnce(t, testDetectors, "  because: {en: \"{{value}} {{unit}}, ", someOrigin), "origin: {", "origin: {blank: 0, meander: 20, within: 200, "))[1].Origin
	if said.Blank != 0 || said.Meander != 20 || said.Within != 200 {
		t.Errorf("%+v", said)
	}
}
