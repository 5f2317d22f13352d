//go:build linux

// Command deliver measures how fast a published warning reaches a thousand receivers of webhooks, and what is lost or doubled
// when the sending process is killed in the middle.
//
//	go run ./bench/deliver [-short]
//
// The receivers are a thousand paths of one HTTP server in this process, each with a secret of its own; each takes some
// milliseconds to answer, checks the signature with nothing of the sender's code, and keeps the ids it has seen, as Standard
// Webhooks has receivers do. The sender is a process of its own: the room of warnings with its recipients, the outbox and its
// runner, on SQLite in a folder, synced. Reached is the time from the second officer's approval, before the transaction, to the
// last receiver's answer.
//
// Then warnings are published and the sender is killed by SIGKILL again and again while it sends, each time after a random
// number of arrivals, and started anew. Lost is a receiver without the message; twice one that took the same version of a
// warning under two ids, or that would have taken an effect twice; repeats are requests with an id that the receiver has seen,
// which it answers and drops.
//
// The last line is for machines. The exit code is not 0 when something was lost, doubled or wrongly signed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

const (
	// target is how long the last of a thousand receivers may take.
	target = 10 * time.Second
	// patience bounds how long anything is waited for.
	patience = time.Minute
	// killAfter are the arrivals after which the sender is killed, at least and at most.
	killAtLeast, killAtMost = 5, 70
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "sender" {
		if err := send(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "sender:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.IntVar(&o.receivers, "receivers", 1000, "how many receivers there are")
	flag.IntVar(&o.rounds, "rounds", 5, "how many warnings are timed")
	flag.IntVar(&o.kills, "kills", 20, "how often the sender is killed")
	short := flag.Bool("short", false, "one timed warning and ten kills, under 45 seconds")
	flag.Parse()
	if *short {
		o.rounds, o.kills = 1, min(o.kills, 10)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "deliver:", err)
		os.Exit(1)
	}
}

type options struct{ receivers, rounds, kills int }

func run(ctx context.Context, o options, out io.Writer) error {
	dir, err := os.MkdirTemp("", "anlan-deliver-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	town, err := newReceivers(o.receivers)
	if err != nil {
		return err
	}
	defer town.close()
	if err := fill(ctx, dir, town); err != nil {
		return fmt.Errorf("enter the recipients: %w", err)
	}
	reached, err := timed(ctx, o, dir, town, out)
	if err != nil {
		return err
	}
	warnings, killed, err := disturbed(ctx, o, dir, town)
	if err != nil {
		return err
	}
	v := town.judge(o.rounds + warnings)
	fmt.Fprintf(out, "\n%d kills of the sender while it sent %d warnings to %d receivers each:\n", killed, warnings, o.receivers)
	for _, row := range []struct {
		name string
		n    int
	}{{"messages that should have arrived", (o.rounds + warnings) * o.receivers}, {"requests", v.requests}, {"repeats, dropped by their id", v.repeats},
		{"lost", v.lost}, {"twice", v.twice}, {"wrongly signed", v.bad}} {
		fmt.Fprintf(out, "  %-36s%8d\n", row.name, row.n)
	}
	fmt.Fprintf(out, "receivers=%d reached_s=%.2f lost=%d twice=%d repeats=%d kills=%d\n", o.receivers, reached.Seconds(), v.lost, v.twice, v.repeats, killed)
	switch {
	case v.lost+v.twice+v.bad > 0:
		return errors.New("something was lost, doubled or wrongly signed")
	case reached > target:
		return fmt.Errorf("the last receiver was reached after %s, not within %s", reached, target)
	}
	return nil
}

// timed publishes warnings one after the other, undisturbed, and returns the longest time to the last receiver.
func timed(ctx context.Context, o options, dir string, town *receivers, out io.Writer) (worst time.Duration, err error) {
	s, err := startSender(dir)
	if err != nil {
		return 0, err
	}
	defer s.kill()
	fmt.Fprintf(out, "%-10s%14s%14s%14s%14s\n", "warning", "approved, ms", "first, ms", "median, ms", "last, ms")
	for range o.rounds {
		p, err := s.publish()
		if err != nil {
			return 0, err
		}
		if err := town.await(ctx, p.number, o.receivers); err != nil {
			return 0, err
		}
		at := town.arrivals(p.number)
		slices.SortFunc(at, time.Time.Compare)
		ms := func(t time.Time) float64 { return float64(t.Sub(p.begun).Microseconds()) / 1000 }
		last := at[len(at)-1].Sub(p.begun)
		fmt.Fprintf(out, "%-10s%14.0f%14.0f%14.0f%14.0f\n", p.number, ms(p.done), ms(at[0]), ms(at[len(at)/2]), ms(at[len(at)-1]))
		worst = max(worst, last)
	}
	return worst, nil
}

// disturbed publishes warnings and kills the sender while it sends them.
func disturbed(ctx context.Context, o options, dir string, town *receivers) (warnings, killed int, err error) {
	for killed < o.kills {
		s, err := startSender(dir)
		if err != nil {
			return 0, 0, err
		}
		p, err := s.publish()
		if err != nil {
			s.kill()
			return 0, 0, err
		}
		warnings++
		for killed < o.kills {
			want := town.count(p.number) + killAtLeast + rand.IntN(killAtMost-killAtLeast)
			if want >= o.receivers {
				break // this warning is nearly out; the next one has its turn
			}
			if err := town.await(ctx, p.number, want); err != nil {
				s.kill()
				return 0, 0, err
			}
			s.kill()
			killed++
			if s, err = startSender(dir); err != nil {
				return 0, 0, err
			}
		}
		err = town.await(ctx, p.number, o.receivers)
		s.quiet()
		s.kill()
		if err != nil {
			return 0, 0, err
		}
	}
	return warnings, killed, nil
}

func database(dir string) string { return "sqlite:" + filepath.Join(dir, "anlan.db") }
