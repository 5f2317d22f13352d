package backtest

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/pack"
)

// Packs are packs with their detectors.
type Packs struct {
	All       []*pack.Pack
	Names     []string
	Detectors []*engine.Detector
}

// LoadPacks reads the packs in the folders, one each, and compiles their detectors. All mistakes come at once.
func LoadPacks(dirs ...string) (Packs, error) {
	var p Packs
	var errs []error
	for _, dir := range dirs {
		x, err := pack.Load(os.DirFS(dir), filepath.ToSlash(filepath.Clean(dir)))
		if err != nil {
			errs = append(errs, err)
			continue
		}
		detectors, err := engine.Compile(x)
		errs = append(errs, err)
		p.All, p.Names, p.Detectors = append(p.All, x), append(p.Names, x.Name), append(p.Detectors, detectors...)
	}
	return p, errors.Join(errs...)
}

// Properties are those that the detectors judge.
func (p Packs) Properties() map[string]bool {
	out := map[string]bool{}
	for _, d := range p.Detectors {
		out[d.Property.ID] = true
	}
	return out
}
