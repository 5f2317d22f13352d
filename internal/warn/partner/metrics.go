package partner

import (
	"context"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

var (
	descPolls    = prometheus.NewDesc("anlan_partner_polls_total", "Polls of warning partners since the start, by outcome: new, unchanged, failed.", []string{"partner", "outcome"}, nil)
	descFailures = prometheus.NewDesc("anlan_partner_failures", "Polls of a warning partner in a row that failed.", []string{"partner"}, nil)
	descRead     = prometheus.NewDesc("anlan_partner_last_read_seconds", "When a warning partner's feed was last read, in Unix time.", []string{"partner"}, nil)
	descForce    = prometheus.NewDesc("anlan_partner_warnings", "Messages of a warning partner that are in force.", []string{"partner"}, nil)
)

var _ prometheus.Collector = (*Service)(nil)

// Describe tells Prometheus what Collect gives.
func (s *Service) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descPolls, descFailures, descRead, descForce} {
		ch <- d
	}
}

// Collect gives the room's figures. Partners that can't be read from the store are left out, which an alarm on their absence sees.
func (s *Service) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	for k, n := range s.counted {
		ch <- prometheus.MustNewConstMetric(descPolls, prometheus.CounterValue, float64(n), strconv.FormatInt(k.partner, 10), k.outcome)
	}
	s.mu.Unlock()
	all, err := s.views(context.Background())
	if err != nil {
		return
	}
	for _, v := range all {
		if !*v.Active {
			continue
		}
		id := strconv.FormatInt(v.ID, 10)
		ch <- prometheus.MustNewConstMetric(descFailures, prometheus.GaugeValue, float64(v.Failures), id)
		ch <- prometheus.MustNewConstMetric(descForce, prometheus.GaugeValue, float64(v.InForce), id)
		if v.LastOKAt != nil {
			ch <- prometheus.MustNewConstMetric(descRead, prometheus.GaugeValue, float64(v.LastOKAt.Unix()), id)
		}
	}
}
