package main

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/anlan-city/anlan/internal/app"
)

// The scripts below testdata/server run the command against a server of their own, which the word "server" starts.
func TestServerScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/server", Cmds: map[string]func(*testscript.TestScript, bool, []string){
		"server": func(ts *testscript.TestScript, _ bool, _ []string) {
			data := filepath.Join(ts.Getenv("WORK"), "data")
			a, err := app.New(app.Options{Listen: "127.0.0.1:0", Data: data})
			ts.Check(err)
			ts.Check(a.Start(context.Background()))
			ts.Defer(func() { ts.Check(a.Stop()) })
			ts.Setenv("ANLAN_URL", a.URL())
			ts.Setenv("ANLAN_DATA", data)
		},
	}})
}
