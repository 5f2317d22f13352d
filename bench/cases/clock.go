//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/anlan-city/anlan/internal/app"
)

// clockFile names the file that says by how many seconds the server's clock is wrong. The machine's own can't be set without
// disturbing everything else on it.
const clockFile = "ANLAN_BENCH_CLOCK"

// wrongClock is the machine's clock with an offset that changes while the server runs. Sleepers sleep by the machine's
// monotonic time, as they do when its clock is set.
type wrongClock struct{ offset atomic.Int64 }

func (c *wrongClock) Now() time.Time {
	return time.Now().UTC().Add(time.Duration(c.offset.Load()))
}

func (c *wrongClock) After(d time.Duration) <-chan time.Time {
	ch := make(chan time.Time, 1)
	time.AfterFunc(d, func() { ch <- c.Now() })
	return ch
}

func (c *wrongClock) read(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err == nil {
		c.offset.Store(seconds * int64(time.Second))
	}
	return err
}

// lookEvery is how soon the server sees that its clock was set.
const lookEvery = 20 * time.Millisecond

func (c *wrongClock) follow(ctx context.Context, file string) {
	for {
		_ = c.read(file) // it is being written
		select {
		case <-ctx.Done():
			return
		case <-time.After(lookEvery):
		}
	}
}

// serve is this program as the server under test: the product on a clock that can be set.
func serve(args []string, out io.Writer) error {
	var o app.Options
	parser, err := kong.New(&o)
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); err != nil {
		return err
	}
	c := &wrongClock{}
	file := os.Getenv(clockFile)
	if err := c.read(file); err != nil {
		return err
	}
	o.Clock = c
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go c.follow(ctx, file)
	a, err := app.New(o)
	if err != nil {
		return err
	}
	if err := a.Start(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, a.URL())
	select {
	case <-ctx.Done():
	case err = <-a.Failed():
	}
	if stopped := a.Stop(); err == nil {
		err = stopped
	}
	return err
}
