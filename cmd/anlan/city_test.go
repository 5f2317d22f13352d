package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/platform/db"
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
		// sql FILE puts rows into the server's store, parted by blank lines: for what would take a case its whole life.
		"sql": func(ts *testscript.TestScript, _ bool, args []string) {
			d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + filepath.Join(ts.Getenv("ANLAN_DATA"), "anlan.db")})
			ts.Check(err)
			defer d.Close()
			ts.Check(d.Write(context.Background(), func(tx *db.Tx) error {
				for _, statement := range strings.Split(ts.ReadFile(args[0]), "\n\n") {
					if _, err := tx.Exec(statement); err != nil {
						return err
					}
				}
				return nil
			}))
		},
	}})
}
