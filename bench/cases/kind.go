//go:build linux

package main

import (
	"os"
	"path/filepath"
	"time"
)

const (
	packYAML = `pack: bench
title: {en: Bench, zh-CN: 基准}
`
	// Three appointments stand for each open case: the state's, and two promises that run across states.
	casesYAML = `- id: bench-work
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
`
	firstAnswer = 10 * 24 * time.Hour
	// far is beyond anything that a run lives to see.
	far = 20 * 24 * time.Hour
)

// writePack puts the pack of the bench's kind of case into a folder.
func writePack(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "pack.yaml"), []byte(packYAML), 0o600); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "cases.yaml"), []byte(casesYAML), 0o600)
}
