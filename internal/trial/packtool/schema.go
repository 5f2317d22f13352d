package packtool

import (
	"os"
	"path/filepath"

	"github.com/anlan-city/anlan/internal/pack/describe"
)

// WriteSchemas writes the JSON Schema of each file that a pack may have into a folder, which it makes where it is missing.
func (ps Packs) WriteSchemas(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, d := range ps.Files {
		text, err := describe.Schema(d)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, describe.SchemaFile(d)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
