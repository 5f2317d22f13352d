package main

import (
	"errors"
	"fmt"

	"github.com/anlan-city/anlan/internal/app"
)

// packCmd is what people who write packs work with. Each command is a room's; here its flags are read.
type packCmd struct {
	Check packCheckCmd `cmd:"" help:"Say all that is wrong with packs, with file, line and column."`
	Test  packTestCmd  `cmd:"" help:"Run the tests of packs, and say what they leave open: 1 where a test failed, 3 where only coverage has gaps."`
	Diff  packDiffCmd  `cmd:"" help:"Say which alerts another version of a pack would raise, leave out or change."`
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
