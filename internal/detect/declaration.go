package detect

import "github.com/anlan-city/anlan/internal/pack"

// Declaration is thataration of detectors.yaml.
func Declaration() pack.Declaration {
	return pack.Declaration{File: File, Title: "The detectors: what raises an alert, at which level, and what clears it", Of: []ruleDoc{}}
}
