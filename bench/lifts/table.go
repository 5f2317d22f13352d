package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// convert writes the record as a table that `anlan backtest packs/lifts --from FILE` reads.
func convert(file, dir string, short bool) (err error) {
	r, err := readRecord(dir)
	if err != nil {
		return err
	}
	if short {
		r = r.until(shortLists)
	}
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return writeTable(f, r)
}

// writeTable writes what each list says, one row a value. Of a unit whose monitoring is disrupted there is no row of service, since
// nobody knows.
func writeTable(to io.Writer, r *record) error {
	w := bufio.NewWriter(to)
	fmt.Fprintln(w, "asset,kind,place,property,at,value")
	r.walk(func(t int64, now []state) {
		at := time.UnixMicro(t).UTC().Format(time.RFC3339)
		disrupted := 0
		for i, u := range r.units {
			kind := "lift"
			if u.escalator {
				kind = "escalator"
			}
			row := func(property string, value int) {
				fmt.Fprintf(w, "%d,%s,station-%d,%s,%s,%d\n", u.id, kind, u.station, property, at, value)
			}
			switch now[i] {
			case active:
				row("service", 1)
				row("monitoring", 1)
			case inactive:
				row("service", 0)
				row("monitoring", 1)
			case unknown:
				row("monitoring", 0)
				disrupted++
			}
		}
		fmt.Fprintf(w, "platform,platform,,units-disrupted,%s,%d\n", at, disrupted)
	})
	return w.Flush()
}

// walk goes through the lists, with the state of each unit at each.
func (r *record) walk(list func(at int64, now []state)) {
	next, now := make([]int, len(r.units)), make([]state, len(r.units))
	for _, t := range r.snapshots {
		for i, u := range r.units {
			for next[i] < len(u.steps) && u.steps[next[i]].at <= t {
				now[i] = u.steps[next[i]].to
				next[i]++
			}
		}
		list(t, now)
	}
}
