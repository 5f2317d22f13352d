package sensing

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Counters say what became of the readings, each counted at its own station: In = Accepted + Refused; Accepted = Logged;
// Logged = Stored + Deleted.
type Counters struct {
	Sources []SourceCounters
	Logged  int64 // in log rows, trimmed or not
	Stored  int64 // in the head and in chunks
	Deleted int64 // stored once, and deleted later
	LastSeq int64 // the newest log row
}

// SourceCounters are one sender's.
type SourceCounters struct {
	Source            string
	Accepted, Refused int64
}

// Counters is a consistent reading of all counters; sources by name.
func (s *Service) Counters() Counters {
	s.mu.RLock()
	defer s.mu.RUnlock()
	c := Counters{Logged: s.count.logged, Stored: s.count.head + s.count.sealed, Deleted: s.count.deleted, LastSeq: s.lastSeq}
	for _, name := range slices.Sorted(maps.Keys(s.sources)) {
		src := s.sources[name]
		c.Sources = append(c.Sources, SourceCounters{name, src.accepted, src.refused})
	}
	return c
}

// Totals adds the sources up.
func (c Counters) Totals() (accepted, refused int64) {
	for _, s := range c.Sources {
		accepted += s.Accepted
		refused += s.Refused
	}
	return accepted, refused
}

var (
	readingsDesc = prometheus.NewDesc("anlan_readings_total", "Readings that came in, by source and outcome.", []string{"source", "outcome"}, nil)
	stationDesc  = prometheus.NewDesc("anlan_readings_at", "Readings at each station of their path.", []string{"station"}, nil)
	streamsDesc  = prometheus.NewDesc("anlan_datastreams", "Datastreams known.", nil, nil)
)

// Describe and Collect make the service a prometheus.Collector.
func (s *Service) Describe(ch chan<- *prometheus.Desc) {
	ch <- readingsDesc
	ch <- stationDesc
	ch <- streamsDesc
}

// Collect reports the counters.
func (s *Service) Collect(ch chan<- prometheus.Metric) {
	c := s.Counters()
	for _, src := range c.Sources {
		ch <- prometheus.MustNewConstMetric(readingsDesc, prometheus.CounterValue, float64(src.Accepted), src.Source, "accepted")
		ch <- prometheus.MustNewConstMetric(readingsDesc, prometheus.CounterValue, float64(src.Refused), src.Source, "refused")
	}
	ch <- prometheus.MustNewConstMetric(stationDesc, prometheus.GaugeValue, float64(c.Logged), "logged")
	ch <- prometheus.MustNewConstMetric(stationDesc, prometheus.GaugeValue, float64(c.Stored), "stored")
	ch <- prometheus.MustNewConstMetric(stationDesc, prometheus.GaugeValue, float64(c.Deleted), "deleted")
	s.mu.RLock()
	n := len(s.streams)
	s.mu.RUnlock()
	ch <- prometheus.MustNewConstMetric(streamsDesc, prometheus.GaugeValue, float64(n))
}

var _ prometheus.Collector = (*Service)(nil)
