package main

import (
	"errors"
	"fmt"

	"github.com/anlan-city/anlan/internal/app"
)

// packCmd is what people who write packs work with. Each command is a room's; here its flags are read.
type packCmd struct {
	Check packCheckCmd `cmd:"" help:"Say all that is wrong with packs, with file, line and column."`
	// Test packTestCmd: internal/trial/packtest.
	// Diff packDiffCmd: what would change on recorded data.
}

type packCheckCmd struct {
	Dir []string `arg:"" help:"Folders, one pack each."`
}

func (c packCheckCmd) Run() error {
	var errs []error
	for _, dir := range c.Dir {
		if err := app.CheckPack(dir); err != nil {
			errs = append(errs, err)
			continue
		}
		fmt.Printf("%s: sound\n", dir)
	}
	return errors.Join(errs...)
}
