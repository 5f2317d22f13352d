package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/anlan-city/anlan/internal/platform/textfile"
)

// state is what the operator says of a unit.
type state int8

const (
	unlisted state = iota // it isn't in the list, or not yet
	active                // in service
	inactive              // out of service
	unknown               // its monitoring is disrupted: nobody knows
)

var states = map[string]state{"ACTIVE": active, "INACTIVE": inactive, "UNKNOWN": unknown}

// unit is a lift or an escalator.
type unit struct {
	id        int64
	escalator bool
	station   int64
	point     *[2]float64 // longitude, latitude, WGS-84
	steps     []step      // in the order of time
}

// step is a change of a unit's state.
type step struct {
	at int64 // µs UTC
	to state
}

// record is a month of lists, one each hour.
type record struct {
	units     []*unit // by id; those that were listed at some time
	snapshots []int64 // when the list was fetched, µs UTC
}

// entry is one object of a unit's history in the file.
type entry struct {
	Date string `json:"date"`
	Init *struct {
		Type    string   `json:"type"`
		State   string   `json:"state"`
		Station int64    `json:"stationnumber"`
		Lon     *float64 `json:"geocoordX"`
		Lat     *float64 `json:"geocoordY"`
	} `json:"init"`
	Changes *struct {
		Replace []struct {
			Path  string          `json:"path"`
			Value json.RawMessage `json:"value"`
		} `json:"replace"`
	} `json:"changes"`
	NotListed bool `json:"not_listed"`
}

func readRecord(dir string) (*record, error) {
	var dates []string
	if err := readJSON(dir, "elevators-2022-01-dates.json.gz", &dates); err != nil {
		return nil, err
	}
	const log = "elevators-2022-01-changelog.json.gz"
	var history map[string][]entry
	if err := readJSON(dir, log, &history); err != nil {
		return nil, err
	}
	r := &record{}
	for i, d := range dates {
		at, err := moment(d)
		if err != nil {
			return nil, fmt.Errorf("elevators-2022-01-dates.json.gz: item %d: %w", i+1, err)
		}
		r.snapshots = append(r.snapshots, at)
	}
	if len(r.snapshots) < 2 || !slices.IsSorted(r.snapshots) {
		return nil, fmt.Errorf("elevators-2022-01-dates.json.gz: needs two times or more, in order")
	}
	for id, entries := range history {
		u, err := readUnit(id, entries)
		if err != nil {
			return nil, fmt.Errorf("%s: unit %s: %w", log, id, err)
		}
		if len(u.steps) > 0 {
			r.units = append(r.units, u)
		}
	}
	slices.SortFunc(r.units, func(a, b *unit) int { return cmp.Compare(a.id, b.id) })
	return r, nil
}

// readUnit follows a unit through its history. What it was before it was first listed is nothing.
func readUnit(id string, entries []entry) (*unit, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("the number: %w", err)
	}
	u := &unit{id: n}
	now := unlisted
	for i, e := range entries {
		at, err := moment(e.Date)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i+1, err)
		}
		to := now
		switch {
		case e.NotListed:
			to = unlisted
		case e.Init != nil:
			if to = states[e.Init.State]; to == unlisted {
				return nil, fmt.Errorf("entry %d: unknown state %q", i+1, e.Init.State)
			}
			u.escalator, u.station = e.Init.Type == "ESCALATOR", e.Init.Station
			if e.Init.Lon != nil && e.Init.Lat != nil {
				u.point = &[2]float64{*e.Init.Lon, *e.Init.Lat}
			}
		case e.Changes != nil:
			for _, c := range e.Changes.Replace {
				if c.Path != "state" {
					continue
				}
				var word string
				if err := json.Unmarshal(c.Value, &word); err != nil || states[word] == unlisted {
					return nil, fmt.Errorf("entry %d: unknown state %s", i+1, c.Value)
				}
				to = states[word]
			}
		}
		if to != now {
			u.steps = append(u.steps, step{at, to})
			now = to
		}
	}
	slices.SortStableFunc(u.steps, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return u, nil
}

// moment reads a time; the file's times carry no zone and are taken as UTC.
func moment(s string) (int64, error) {
	t, err := time.Parse("2006-01-02T15:04:05", s)
	if err != nil {
		return 0, err
	}
	return t.UnixMicro(), nil
}

func readJSON(dir, name string, into any) error {
	f, err := textfile.Open(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// until cuts the record off after n lists.
func (r *record) until(n int) *record {
	n = min(n, len(r.snapshots))
	return &record{units: r.units, snapshots: r.snapshots[:n]}
}

// outages are the times that units were out of service, in hours, of those that both began and ended within the record.
func (r *record) outages() (hours []float64) {
	last := r.snapshots[len(r.snapshots)-1]
	for _, u := range r.units {
		for i, s := range u.steps {
			if s.to == inactive && i > 0 && i+1 < len(u.steps) && u.steps[i+1].to == active && u.steps[i+1].at <= last {
				hours = append(hours, float64(u.steps[i+1].at-s.at)/3600e6)
			}
		}
	}
	slices.Sort(hours)
	return hours
}

// changesInto counts how often units changed into a state.
func (r *record) changesInto(to state) (n int) {
	first, last := r.snapshots[0], r.snapshots[len(r.snapshots)-1]
	for _, u := range r.units {
		for _, s := range u.steps {
			if s.to == to && s.at > first && s.at <= last {
				n++
			}
		}
	}
	return n
}
