package app

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anlan-city/anlan/internal/platform/db"
)

var (
	lagDesc      = prometheus.NewDesc("anlan_evaluation_lag", "Readings logged and not evaluated yet.", nil, nil)
	outboxDesc   = prometheus.NewDesc("anlan_outbox_waiting", "Events that wait to be carried to the bus.", nil, nil)
	consumerDesc = prometheus.NewDesc("anlan_consumer_lag", "Events that a consumer has still to take.", []string{"consumer"}, nil)
	readyDesc    = prometheus.NewDesc("anlan_ready", "1 while every part works; see /readyz.", nil, nil)
)

// flow reports what waits between the rooms.
type flow struct{ *App }

var _ prometheus.Collector = flow{}

// Describe tells Prometheus what Collect gives.
func (flow) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lagDesc, outboxDesc, consumerDesc, readyDesc} {
		ch <- d
	}
}

// Collect looks at the queues. One that can't be looked at is left out, which an alarm on its absence sees.
func (f flow) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	progress := f.detect.Progress()
	gauge(lagDesc, float64(f.sensing.Counters().Logged-progress.Evaluated))
	var waiting int64
	err := f.db.Read(ctx, func(tx *db.Tx) error { return tx.QueryRow("select count(*) from outbox").Scan(&waiting) })
	if err == nil {
		gauge(outboxDesc, float64(waiting))
	}
	if lag, err := f.bus.Lag(ctx); err == nil {
		for name, n := range lag {
			gauge(consumerDesc, float64(n), name)
		}
	}
	ready := 0.0
	if f.ready(ctx).Body.Ready {
		ready = 1
	}
	gauge(readyDesc, ready)
}
