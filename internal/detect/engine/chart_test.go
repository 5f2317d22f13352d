package engine

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/anlan-city/anlan/internal/methods/joint"
)

// A sensor in the place of another is not held against what the other one told: the chart learns anew, also where the change
// came while the program was down. A restart alone changes nothing.
func TestChartOfOtherSensors(t *testing.T) {
	ds := compiled(t, rule(`
  inputs:
    in:  {watches: methane, on: kitchen-alarm}
    out: {watches: methane-ambient, on: fence-monitor}
  per: area
  every: 1m
  late: 0s
  budget: {false_alarms_per_day: 0.05, over: 1}
  derives:
    apart: {jointly: {learn: 24h, calibrate: 8h}}
  levels: {red: {when: "apart >= 1"}}
  clear: {when: "apart < 0.5", for: 5m}`))
	for name, c := range map[string]struct {
		restart, replaced bool
		raises            bool
	}{
		"nothing happens":           {false, false, true},
		"a restart":                 {true, false, true},
		"replaced":                  {false, true, false},
		"replaced during a restart": {true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			e := New(ds)
			ids := []int64{1, 2, 3, 101}
			for _, id := range ids {
				e.Bind(harbour(id), nil)
			}
			r := rand.New(rand.NewPCG(3, 3))
			flow := 0.0
			var last []Change
			for i := range 44 * 60 {
				at := t0 + int64(i)*minute
				if i == 40*60 {
					if c.restart {
						e = restarted(t, e, ds)
					}
					now := ids
					if c.replaced {
						now = []int64{1, 2, 4, 101}
						e.Bind(Stream{ID: 3}, nil)
					}
					for _, id := range now {
						e.Bind(harbour(id), nil)
					}
					ids = now
				}
				flow = 0.95*flow + r.NormFloat64()
				for j, id := range ids {
					v := 20 + flow + 0.05*r.NormFloat64()
					if j == 2 && i >= 40*60 { // it tells the same, otherwise
						v = 30 - flow
					}
					cs := e.Evaluate(number(id, at, v), at, nil)
					if i >= 40*60 {
						last = append(last, cs...)
					}
				}
			}
			if got := len(last) > 0; got != c.raises {
				t.Errorf("raised: %v, want %v", got, c.raises)
			}
		})
	}
}

// A chart that was saved before its sensors were saved with it learns anew.
func TestChartOfUnknownSensors(t *testing.T) {
	old := joint.Chart{}
	state, err := old.AppendBinary(binary.AppendUvarint(appendFloat(nil, 0.25), 3))
	if err != nil {
		t.Fatal(err)
	}
	c := chart{rule: &chartRule{}}
	if err := c.UnmarshalBinary(state); err != nil || c.last != 0.25 || c.waiting != nil {
		t.Errorf("%v, %+v", err, c)
	}
	again, err := c.AppendBinary(nil)
	if err == nil {
		err = (&chart{rule: &chartRule{}}).UnmarshalBinary(again)
	}
	if err != nil {
		t.Error(err)
	}
}
