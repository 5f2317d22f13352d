package main

import (
	"fmt"
	"os"

	"github.com/anlan-city/anlan/internal/app"
)

// packCmd is what people who write packs work with. Each command is a room's; here its flags are read.
type packCmd struct {
	Check   packCheckCmd   `cmd:"" help:"Say all that is wrong with packs, with file, line and column: 1 where a pack has errors, 3 where there are warnings only."`
	Explain packExplainCmd `cmd:"" help:"Read the rules of a pack aloud in both languages, or explain the code of a message."`
	Test    packTestCmd    `cmd:"" help:"Run the tests of packs, and say what they leave open: 1 where a test failed, 3 where only coverage has gaps."`
	Diff    packDiffCmd    `cmd:"" help:"Say which alerts another version of a pack would raise, leave out or change."`
	Schema  packSchemaCmd  `cmd:"" help:"Write the JSON Schemas by which editors complete and check packs."`
}

type packCheckCmd struct {
	Dir  []string `arg:"" help:"Folders, one pack each; packs/... is every pack below packs."`
	JSON bool     `help:"Print the problems as JSON, for editors and other programs."`
}

func (c packCheckCmd) Run() error {
	report, err := app.PackTool().Check(c.Dir...)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := report.JSON(os.Stdout); err != nil {
			return err
		}
	} else {
		report.Write(os.Stdout)
	}
	if code := report.ExitCode(); code != 0 {
		return exitError{code, fmt.Errorf("%s; anlan pack explain CODE says more", report.Summary())}
	}
	return nil
}

type packExplainCmd struct {
	What     string `arg:"" help:"A code such as P012, a folder, a pack in the program such as gas, or a detector in one of them such as gas/methane-indoor."`
	Detector string `arg:"" optional:"" help:"One detector of the pack."`
}

func (c packExplainCmd) Run() error { return app.PackTool().Explain(os.Stdout, c.What, c.Detector) }

type packSchemaCmd struct {
	Dir string `arg:"" help:"The folder to write to; best is one called schema beside the folders of the packs."`
}

func (c packSchemaCmd) Run() error { return app.PackTool().WriteSchemas(c.Dir) }
