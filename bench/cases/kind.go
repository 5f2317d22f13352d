//go:build linux

package main

import (
	"os"
	"path/filepath"
	"time"
)

const (
	work     = "bench-work"
	packYAML = `pack: bench
title: {en: Bench, zh-CN: 基准}
observes:
  level: {title: {en: Level, zh-CN: 液位}, unit: m, range: [0, 100]}
assets:
  probe: {title: {en: Probe, zh-CN: 探头}, measures: [level]}
`
	detectorsYAML = `- id: high
  title: {en: Level too high, zh-CN: 液位过高}
  watches: level
  on: [probe]
  every: 5s
  levels: {orange: {when: "value >= 50"}}
  clear: {when: "value < 40", for: 10s}
  silent_after: 10d
  because: {en: "{{value}} m at {{asset}}", zh-CN: "{{asset}} {{value}} m"}
  source: made for this benchmark
  known_false_alarms: [none]
  maturity: trial
  owner: bench
  opens: {case: bench-alarm, from: orange}
`
	// Three appointments stand for each open case: the state's, and two promises that run across states.
	casesYAML = `- id: ` + work + `
  title: {en: Work, zh-CN: 工作}
  opened_by: person
  limits:
    - {id: first-answer, title: {en: First answer, zh-CN: 首次答复}, due: 10d, met_by: [answer]}
    - {id: closing, title: {en: Closing, zh-CN: 办结}, due: 60d}
  states:
    - {id: open,   title: {en: Open, zh-CN: 待办}, due_by: by}
    - {id: doing,  title: {en: Doing, zh-CN: 办理中}, due_by: by}
    - {id: closed, title: {en: Closed, zh-CN: 办结}, end: proven}
  moves:
    - id: go-on
      title: {en: Go on, zh-CN: 办理}
      from: [open]
      to: doing
      who: [duty-officer]
      requires: [{field: by, kind: time, title: {en: Until when, zh-CN: 时限}}]
    - id: go-back
      title: {en: Go back, zh-CN: 退回}
      from: [doing]
      to: open
      who: [duty-officer]
      requires: [{field: by, kind: time, title: {en: Until when, zh-CN: 时限}}]
    - id: answer
      title: {en: Answer, zh-CN: 办结}
      from: [doing]
      to: closed
      who: [duty-officer]
- id: bench-alarm
  title: {en: Alarm, zh-CN: 警情}
  opened_by: alert
  states:
    - {id: open,   title: {en: Open, zh-CN: 待办}, due: 10d}
    - {id: closed, title: {en: Closed, zh-CN: 办结}, end: proven}
  moves:
    - id: close
      title: {en: Close, zh-CN: 办结}
      from: [open]
      to: closed
      who: [duty-officer]
`
	firstAnswer = 10 * 24 * time.Hour
	// far is beyond anything that a run lives to see.
	far = 20 * 24 * time.Hour
)

// writePack puts the bench's pack into a folder.
func writePack(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, text := range map[string]string{"pack.yaml": packYAML, "detectors.yaml": detectorsYAML, "cases.yaml": casesYAML} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
