package main

import (
	"math"

	"github.com/anlan-city/anlan/internal/methods/joint"
	"github.com/anlan-city/anlan/internal/methods/series"
)

// nights is the usual practice, and the yardstick: the town's mean consumption from 2 to 4 o'clock, each night against
// the 28 nights before, on a chart with k = 0.5 and h = 4 spreads. After an alarm the chart starts again; the nights
// before do so too if renew is set.
func nights(rec *record, z zone, renew bool) []alarm {
	daily := series.DailyParams{From: 2 * hour, To: 4 * hour, Every: hour, Cover: 0.9}
	const k, h, window = 0.5, 4, 28
	var balance joint.Balance
	var night series.Daily
	var up, down float64
	var past []float64
	var alarms []alarm
	for row, at := range rec.at {
		for term, sensor := range z.sensor {
			if math.IsNaN(rec.read[sensor][row]) {
				continue
			}
			b, ok := balance.Next(&z.balance, term, at, rec.read[sensor][row])
			if !ok || !b.Complete() {
				continue
			}
			f, ok := night.Next(&daily, b.From, b.Value())
			if !ok {
				continue
			}
			if len(past) >= 7 {
				mean, spread := moments(past)
				v := (f.Mean - mean) / spread
				up, down = max(0, up+v-k), max(0, down-v-k)
				if up > h || down > h {
					alarms = append(alarms, alarm{at, z.name, f.Mean - mean})
					up, down = 0, 0
					if renew {
						past = past[:0]
					}
				}
			}
			past = append(past, f.Mean)
			past = past[max(0, len(past)-window):]
		}
	}
	return alarms
}

func moments(x []float64) (mean, spread float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		spread += (v - mean) * (v - mean) / (n - 1)
	}
	return mean, math.Sqrt(spread)
}
