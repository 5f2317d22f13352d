package mqtt

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counters are what the edge counts since it was made, beside what each listener counts.
type counters struct {
	delivered      atomic.Int64
	oversize       atomic.Int64
	fellBehind     atomic.Int64
	stalled        atomic.Int64
	unserved       atomic.Int64
	closedUnstored atomic.Int64
	takenOver      atomic.Int64
	notConnected   atomic.Int64
	turnedAway     atomic.Int64
	panics         atomic.Int64
	ended          atomic.Int64
	expired        atomic.Int64
}

// Count is what one listener has counted since the start. Received = Accepted + Refused + Failed + what is in flight: what
// is missing there was lost.
type Count struct {
	Received int64 `json:"received" doc:"PUBLISH packets, without repeated ones of QoS 2"`
	Accepted int64 `json:"accepted" doc:"valid and on disk"`
	Refused  int64 `json:"refused" doc:"kept as dead letters"`
	Failed   int64 `json:"failed" doc:"could not be stored; the client was told, or disconnected"`
}

// Counts are the listeners' counts, by name.
func (e *Edge) Counts() map[string]Count {
	out := map[string]Count{}
	for _, l := range e.listeners {
		// In this order, so that a message counted in between is in flight rather than lost.
		c := Count{Accepted: l.accepted.Load(), Refused: l.refused.Load(), Failed: l.failed.Load()}
		c.Received = l.received.Load()
		out[l.Name] = c
	}
	return out
}

var (
	descReceived  = prometheus.NewDesc("anlan_mqtt_received_total", "Messages that clients published.", []string{"listener"}, nil)
	descAccepted  = prometheus.NewDesc("anlan_mqtt_accepted_total", "Messages that are valid and on disk.", []string{"listener"}, nil)
	descRefused   = prometheus.NewDesc("anlan_mqtt_refused_total", "Messages that were refused and kept as dead letters.", []string{"listener"}, nil)
	descFailed    = prometheus.NewDesc("anlan_mqtt_failed_total", "Messages that could not be stored, and were not acknowledged.", []string{"listener"}, nil)
	descDelivered = prometheus.NewDesc("anlan_mqtt_delivered_total", "Messages sent to subscribers.", nil, nil)
	descOversize  = prometheus.NewDesc("anlan_mqtt_oversize_total", "Messages left out because the subscriber takes no packets of that size.", nil, nil)
	descBehind    = prometheus.NewDesc("anlan_mqtt_fell_behind_total", "Times that a subscriber fell behind and went on by itself.", nil, nil)
	descClosed    = prometheus.NewDesc("anlan_mqtt_closed_total", "Connections that the server ended, by reason.", []string{"reason"}, nil)
	descEnded     = prometheus.NewDesc("anlan_mqtt_sessions_ended_total", "Sessions that ended without their client's doing, by reason.", []string{"reason"}, nil)
	descClients   = prometheus.NewDesc("anlan_mqtt_clients", "Connected clients.", nil, nil)
	descSessions  = prometheus.NewDesc("anlan_mqtt_sessions", "Sessions, connected or not.", nil, nil)
	descLag       = prometheus.NewDesc("anlan_mqtt_lag_rows", "Rows of the log that the slowest session has not acknowledged.", nil, nil)
)

var _ prometheus.Collector = (*Edge)(nil)

// Describe tells Prometheus what Collect gives.
func (e *Edge) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descReceived, descAccepted, descRefused, descFailed, descDelivered, descOversize, descBehind, descClosed, descEnded,
		descClients, descSessions, descLag,
	} {
		ch <- d
	}
}

// Collect gives the edge's counters.
func (e *Edge) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v int64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v))
	}
	for name, c := range e.Counts() {
		counter(descReceived, c.Received, name)
		counter(descAccepted, c.Accepted, name)
		counter(descRefused, c.Refused, name)
		counter(descFailed, c.Failed, name)
	}
	counter(descDelivered, e.count.delivered.Load())
	counter(descOversize, e.count.oversize.Load())
	counter(descBehind, e.count.fellBehind.Load())
	counter(descClosed, e.count.stalled.Load(), "stalled")
	counter(descClosed, e.count.unserved.Load(), "log unreadable")
	counter(descClosed, e.count.closedUnstored.Load(), "not stored")
	counter(descClosed, e.count.takenOver.Load(), "taken over")
	counter(descClosed, e.count.notConnected.Load(), "not let in")
	counter(descClosed, e.count.turnedAway.Load(), "no room")
	counter(descClosed, e.count.panics.Load(), "malformed")
	counter(descEnded, e.count.ended.Load(), "gave up")
	counter(descEnded, e.count.expired.Load(), "expired")
	e.mu.Lock()
	clients, sessions := e.connected, len(e.sessions)
	e.mu.Unlock()
	gauge(descClients, int64(clients))
	gauge(descSessions, int64(sessions))
	gauge(descLag, lagOf(e.standing(), e.opts.Feed.LastSeq()))
}
