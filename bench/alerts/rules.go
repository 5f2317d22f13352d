//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	detectors   = 10_000
	kinds       = 900
	properties  = 10 // that each kind of asset measures, each with a rule of its own
	assets      = 10_000
	datastreams = assets * properties

	packs   = 10 // a file of a pack has at most 1 MiB
	perPack = kinds / packs

	// calm is below, planted above every rule's limit.
	calm    = "20.0"
	planted = "95.0"
)

// further is how many properties of a kind have a second rule: there are 1,000 second rules, so that all make 10,000.
func further(kind int) int {
	if kind < detectors-kinds*properties-kinds {
		return 2
	}
	return 1
}

// kindOf is the kind of an asset: instruments of many kinds were registered one after the other, as they came.
func kindOf(asset int) int { return asset % kinds }

func packName(kind int) string         { return fmt.Sprintf("load-%d", kind/perPack) }
func kindName(kind int) string         { return fmt.Sprintf("kind-%d", kind) }
func propertyName(property int) string { return fmt.Sprintf("quantity-%d", property) }

// rulesOf are the ids of the detectors that judge a property of a kind.
func rulesOf(kind, property int) []string {
	ids := []string{fmt.Sprintf("%s/k%d-q%d", packName(kind), kind, property)}
	if property < further(kind) {
		ids = append(ids, ids[0]+"-high")
	}
	return ids
}

// writePacks writes the packs' folders into one, and returns them.
func writePacks(dir string) (dirs []string, err error) {
	n := 0
	for first := 0; first < kinds; first += perPack {
		pack := filepath.Join(dir, packName(first))
		rules, err := writePack(pack, first)
		if err != nil {
			return nil, err
		}
		n += rules
		dirs = append(dirs, pack)
	}
	if n != detectors {
		return nil, fmt.Errorf("%d rules were made, want %d", n, detectors)
	}
	return dirs, nil
}

// writePack writes the folder of the pack that begins with a kind, and returns how many rules it has.
func writePack(dir string, first int) (rules int, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, err
	}
	var p, d strings.Builder
	fmt.Fprintf(&p, "pack: %s\ntitle: {en: Load, zh-CN: 负载}\nobserves:\n", packName(first))
	var all []string
	for q := range properties {
		fmt.Fprintf(&p, "  %s: {title: {en: Quantity %d, zh-CN: 第%d量}, unit: kPa, range: [0, 100]}\n", propertyName(q), q, q)
		all = append(all, propertyName(q))
	}
	fmt.Fprintln(&p, "assets:")
	for k := first; k < first+perPack; k++ {
		fmt.Fprintf(&p, "  %s: {title: {en: Kind %d, zh-CN: 第%d类}, measures: [%s]}\n", kindName(k), k, k, strings.Join(all, ", "))
		for q := range properties {
			for i, id := range rulesOf(k, q) {
				level := []string{"yellow", "orange"}[i]
				limit := 40 + (k*properties+q)%50 // each rule has one of its own, as each instrument's limit is its own
				fmt.Fprintf(&d, `- id: %s
  title: {en: Quantity %d too high, zh-CN: 第%d量过高}
  watches: %s
  on: [%s]
  every: 5s
  levels: {%s: {when: "value >= %d"}}
  clear: {when: "value < %d", for: 10s}
  silent_after: 1h
  because: {en: "{{value}} kPa at {{asset}}", zh-CN: "{{asset}} {{value}} kPa"}
  source: made for this benchmark
  known_false_alarms: [none]
  maturity: trial
  owner: bench
`, strings.TrimPrefix(id, packName(k)+"/"), q, q, propertyName(q), kindName(k), level, limit, limit-5)
				rules++
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "pack.yaml"), []byte(p.String()), 0o600); err != nil {
		return 0, err
	}
	return rules, os.WriteFile(filepath.Join(dir, "detectors.yaml"), []byte(d.String()), 0o600)
}
