package coverage

import "github.com/prometheus/client_golang/prometheus"

var (
	descStreams = prometheus.NewDesc("anlan_coverage_datastreams", "Datastreams by liveness: alive, late, mute, never.", []string{"liveness"}, nil)
	descAssets  = prometheus.NewDesc("anlan_coverage_assets", "Assets by how well they are watched.", []string{"state"}, nil)
	descDue     = prometheus.NewDesc("anlan_coverage_calibrations", "Assets whose calibration is overdue, or due within 30 days.", []string{"due"}, nil)
)

var _ prometheus.Collector = (*Service)(nil)

// Describe tells Prometheus what Collect gives.
func (s *Service) Describe(ch chan<- *prometheus.Desc) {
	ch <- descStreams
	ch <- descAssets
	ch <- descDue
}

// Collect gives the gauges; none while the register is still being read.
func (s *Service) Collect(ch chan<- prometheus.Metric) {
	v, err := s.look()
	if err != nil {
		return
	}
	gauge := func(d *prometheus.Desc, n int, label string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), label)
	}
	for i, l := range Livenesses {
		gauge(descStreams, v.streams[i], string(l))
	}
	var c Counts
	for i := range v.verdicts {
		c.add(&v.verdicts[i])
	}
	for state, n := range map[State]int{Watched: c.Watched, Partly: c.Partly, MuteState: c.Mute, Unwatched: c.Unwatched, UnderWork: c.Works, None: c.None} {
		gauge(descAssets, n, string(state))
	}
	gauge(descDue, c.Overdue, string(Overdue))
	gauge(descDue, c.DueSoon, string(DueSoon))
}
