package intake

import (
	"embed"
	"io/fs"
)

//go:embed examples
var examples embed.FS

// Examples are the mappings that docs/intake.md explains, to start from.
func Examples() fs.FS {
	sub, err := fs.Sub(examples, "examples")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}
