package detect

import "github.com/prometheus/client_golang/prometheus"

var (
	descEvaluated = prometheus.NewDesc("anlan_detect_evaluated_total", "Readings taken from the log.", nil, nil)
	descLate      = prometheus.NewDesc("anlan_detect_late_total", "Readings that came too late to be judged.", nil, nil)
	descPosition  = prometheus.NewDesc("anlan_detect_position", "Newest row of the log that was evaluated.", nil, nil)
	descSaved     = prometheus.NewDesc("anlan_detect_saved_position", "Row of the log that the last snapshot belongs to.", nil, nil)
	descUp        = prometheus.NewDesc("anlan_detect_up", "1 while readings are evaluated.", nil, nil)
)

var _ prometheus.Collector = (*Service)(nil)

// Describe tells Prometheus what Collect gives.
func (s *Service) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descEvaluated, descLate, descPosition, descSaved, descUp} {
		ch <- d
	}
}

// Collect gives the room's counters.
func (s *Service) Collect(ch chan<- prometheus.Metric) {
	p := s.Progress()
	up := 1.0
	if p.Err != nil {
		up = 0
	}
	counter := func(d *prometheus.Desc, v float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	counter(descEvaluated, float64(p.Evaluated))
	counter(descLate, float64(p.Late))
	gauge(descPosition, float64(p.Position))
	gauge(descSaved, float64(p.Saved))
	gauge(descUp, up)
}
