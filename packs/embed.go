// Package packs carries the packs that Anlan ships: one folder for each hazard domain. It holds files and no logic; the
// language they are written in is internal/pack.
package packs

import (
	"embed"
	"io/fs"
)

//go:embed */*.yaml
var files embed.FS

// FS holds one folder for each pack.
func FS() fs.FS { return files }
