// Command anlan is Anlan: the server, and the commands that talk to it. It parses, calls, and reports; it decides nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/anlan-city/anlan/internal/platform/config"
)

// version is set at build time.
var version = "dev"

type cli struct {
	Config   kong.ConfigFlag `help:"A YAML file with settings; a key is a flag's name." placeholder:"FILE"`
	LogLevel slog.Level      `default:"INFO" help:"The least severe message to log: DEBUG, INFO, WARN or ERROR."`

	Serve    serveCmd    `cmd:"" help:"Run the server."`
	Demo     demoCmd     `cmd:"" help:"Run the server with a simulated city, and let visitors on this machine sign in as duty officers."`
	City     cityCmd     `cmd:"" help:"Import and export the register of areas, places, assets, organisations and duties."`
	Readings readingsCmd `cmd:"" help:"Import measurements from files, and check mapping files."`
	Replay   replayCmd   `cmd:"" help:"Send recorded files through a running server."`
	Pace     paceCmd     `cmd:"" help:"Tell or change how fast the time of a demo or a drill runs."`
	Pack     packCmd     `cmd:"" help:"Check packs."`
	Cap      capCmd      `cmd:"" help:"Check public warnings in the Common Alerting Protocol."`
	Backtest backtestCmd `cmd:"" help:"Run the detectors of packs over the past, and score them against what really happened."`
	Report   reportCmd   `cmd:"" help:"Reports on how the work is done."`
	Ledger   ledgerCmd   `cmd:"" help:"Verify and export the ledger."`
	Sim      simCmd      `cmd:"" help:"Write the simulated city to files."`

	Settings settingsCmd `cmd:"" help:"Print the page of settings, in Markdown."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:]))
}

// run is main as a function of its arguments: 0 for success, 1 for failure, 2 for a command line that makes no sense, or
// the code of an exitError.
func run(ctx context.Context, args []string) int {
	var c cli
	parser, err := kong.New(&c,
		kong.Name("anlan"),
		kong.Description("Anlan (安澜): a city-safety platform in one program."),
		kong.DefaultEnvars(config.EnvPrefix),
		kong.Configuration(config.YAML),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		panic(err) // the commands above are wrong
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	for _, warning := range config.UnknownEnv(parser.Model, os.Environ()) {
		fmt.Fprintln(os.Stderr, "anlan:", warning)
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "anlan:", err)
		return 2
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: c.LogLevel})))
	if err := kctx.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "anlan:", err)
		var coded exitError
		if errors.As(err, &coded) {
			return coded.code
		}
		return 1
	}
	return 0
}

// exitError is an error with an exit code of its own.
type exitError struct {
	code int
	error
}

type versionCmd struct{}

func (versionCmd) Run() error {
	fmt.Println(version)
	return nil
}

type settingsCmd struct{}

func (settingsCmd) Run(k *kong.Kong) error {
	fmt.Print(config.Docs(k.Model, "serve", "demo"))
	return nil
}
