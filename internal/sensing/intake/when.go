package intake

import (
	"time"

	"github.com/anlan-city/anlan/internal/platform/moment"
)

// timeWords are the keys of a mapping that say how times are written.
type timeWords struct{ format, zone, unit word }

// moment makes the reader of times, and notes what is wrong with the words.
func (w timeWords) moment(d *document, fallback *time.Location) moment.Format {
	zone := fallback
	if w.zone.s != "" {
		var err error
		if zone, err = moment.Zone(w.zone.s); err != nil {
			d.say(w.zone.position, "time_zone", "%v", err)
		}
	}
	format := w.format.s
	if w.unit.s != "" {
		if format != "" {
			d.say(w.unit.position, "time_unit", "time_unit and time_format say the same; keep one")
		}
		format = map[string]string{"s": "unix", "ms": "unix_ms", "us": "unix_us"}[w.unit.s]
	}
	m, err := moment.New(format, zone)
	if err != nil {
		d.say(w.format.position, "time_format", "%v", err)
	}
	return m
}
