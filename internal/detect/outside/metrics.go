package outside

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anlan-city/anlan/internal/platform/db"
)

var (
	descModels = prometheus.NewDesc("anlan_models", "Outside models by state.", []string{"state"}, nil)
	descAsks   = prometheus.NewDesc("anlan_model_asks_total", "Questions to outside models since the start, by outcome: answered, failed, refused, lost.", []string{"model", "outcome"}, nil)
	descFails  = prometheus.NewDesc("anlan_model_fails", "Failures in a row of an outside model that is in shadow or live.", []string{"model"}, nil)
)

var _ prometheus.Collector = (*Service)(nil)

// Describe tells Prometheus what Collect gives.
func (s *Service) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descModels, descAsks, descFails} {
		ch <- d
	}
}

// Collect gives the room's counters. Models that can't be read are left out, which an alarm on their absence sees.
func (s *Service) Collect(ch chan<- prometheus.Metric) {
	s.mu.Lock()
	for k, n := range s.counted {
		ch <- prometheus.MustNewConstMetric(descAsks, prometheus.CounterValue, float64(n), k.model, k.outcome)
	}
	s.mu.Unlock()
	var all []*Model
	err := s.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
		all, err = models(tx)
		return err
	})
	if err != nil {
		return
	}
	states := map[State]int{Draft: 0, Shadow: 0, Live: 0, Retired: 0}
	for _, m := range all {
		states[m.State]++
		if m.State == Shadow || m.State == Live {
			ch <- prometheus.MustNewConstMetric(descFails, prometheus.GaugeValue, float64(m.Fails), m.Registration.Name)
		}
	}
	for state, n := range states {
		ch <- prometheus.MustNewConstMetric(descModels, prometheus.GaugeValue, float64(n), string(state))
	}
}
