package main

import (
	"fmt"
	"io/fs"
	"testing/fstest"
	"time"
)

// variantFS is a pack with methane-ambient at other parameters.
func variantFS(c calibration, fall time.Duration) fs.FS {
	return fstest.MapFS{
		"gas/pack.yaml": {Data: []byte(`
pack: gas
title: {en: Gas, zh-CN: 燃气}
observes: {methane-ambient: {title: {en: Methane, zh-CN: 甲烷}, unit: ppm, range: [0, 50000]}}
assets: {fence-monitor: {title: {en: Instrument, zh-CN: 仪器}, measures: [methane-ambient]}}
`)},
		"gas/detectors.yaml": {Data: fmt.Appendf(nil, `
- id: methane-ambient
  title: {en: Methane, zh-CN: 甲烷}
  watches: methane-ambient
  on: fence-monitor
  together: place
  every: 1m
  derives: {excess: {above_background: {rise_per_hour: %g, fall: %s}}}
  levels: {yellow: {when: "excess >= %g", for: %s, within: %s}}
  clear: {when: "excess < %g", for: %s}
  silent_after: 6h
  because: {en: x, zh-CN: x}
  source: bench
  known_false_alarms: [none]
  maturity: draft
  owner: bench
  opens: {case: none, from: yellow}
`, c.rise, fall, c.raise, c.on, c.hold, c.clear, c.hold)},
	}
}
