package main

import (
	"context"
	"fmt"

	"github.com/anlan-city/anlan/internal/app"
)

type serveCmd struct {
	app.Options `embed:""`
}

func (c serveCmd) Run(ctx context.Context) error {
	c.Version = version
	return serve(ctx, c.Options)
}

type demoCmd struct {
	app.Options     `embed:""`
	app.DemoOptions `embed:""`
}

func (c demoCmd) Run(ctx context.Context) error {
	c.Version = version
	c.Options.Demo = &c.DemoOptions
	return serve(ctx, c.Options)
}

// serve runs the product until the context ends or a part of it fails.
func serve(ctx context.Context, o app.Options) error {
	a, err := app.New(o)
	if err != nil {
		return err
	}
	go app.KeepMemory(ctx)
	if err := a.Start(ctx); err != nil {
		return err
	}
	fmt.Println(a.Greeting())
	select {
	case <-ctx.Done():
		return a.Stop()
	case err := <-a.Failed():
		a.Stop()
		return err
	}
}
