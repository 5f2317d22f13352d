package replay

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/platform/clock"
)

// pace lets recorded time pass speed times as fast as the clock's; speed 0 is as fast as it goes.
type pace struct {
	clock  clock.Clock
	speed  float64
	start  time.Time                                                       // when the clock stood for first
	first  int64                                                           // the earliest recorded time
	follow func(context.Context) (now time.Time, speed float64, err error) // asks the server for its time and pace; nil: own pace
}

// tick is the shortest wait, so that readings of one second travel together; look is the longest where the server's pace may change.
const (
	tick = 100 * time.Millisecond
	look = time.Second
)

// due is the recorded time up to which things are to be sent, and how long to wait for what happens at next.
func (p *pace) due(ctx context.Context, next int64) (due int64, wait time.Duration, err error) {
	if p.follow == nil {
		due = p.first + int64(float64(p.clock.Now().Sub(p.start))*p.speed/float64(time.Microsecond))
		return due, max(tick, time.Duration(float64(next-due)/p.speed*float64(time.Microsecond))), nil
	}
	now, speed, err := p.follow(ctx)
	if err != nil {
		return 0, 0, err
	}
	due, wait = now.UnixMicro(), look
	if speed > 0 {
		wait = min(look, max(tick, time.Duration(float64(next-due)/speed*float64(time.Microsecond))))
	}
	return due, wait, nil
}

// batches calls send for runs of n items that are due together, at most most at a time.
func (p *pace) batches(ctx context.Context, n, most int, at func(i int) int64, send func(from, to int) error) error {
	for from := 0; from < n; {
		to := min(n, from+most)
		if p.speed > 0 || p.follow != nil {
			due, wait, err := p.due(ctx, at(from))
			if err != nil {
				return err
			}
			end := from
			for end < to && at(end) <= due { // what stands late in the file is due as soon as what stands before it
				end++
			}
			if end == from {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-p.clock.After(wait):
				}
				continue
			}
			to = end
		}
		if err := send(from, to); err != nil {
			return err
		}
		from = to
	}
	return nil
}

// progress shows how far a replay has come: a bar that moves on a terminal, else a line at each tenth.
type progress struct {
	out      io.Writer
	terminal bool
	clock    clock.Clock
	start    time.Time
	total    int
	tenth    int
	drawn    time.Time
}

func (p *progress) show(done int, at int64) {
	now := p.clock.Now()
	rate := ""
	if passed := now.Sub(p.start); passed > 0 {
		rate = fmt.Sprintf(", %s/s", thousands(int(float64(done)/passed.Seconds())))
	}
	line := fmt.Sprintf("%3d %% %s of %s%s, recorded time %s", 100*done/p.total, thousands(done), thousands(p.total), rate,
		time.UnixMicro(at).UTC().Format("2006-01-02 15:04"))
	switch {
	case p.terminal:
		if done < p.total && now.Sub(p.drawn) < tick {
			return
		}
		p.drawn = now
		const width = 30
		full := width * done / p.total
		fmt.Fprintf(p.out, "\r\x1b[K[%s%s] %s", strings.Repeat("#", full), strings.Repeat(".", width-full), line)
		if done == p.total {
			fmt.Fprintln(p.out)
		}
	case 10*done/p.total > p.tenth:
		p.tenth = 10 * done / p.total
		fmt.Fprintln(p.out, line)
	}
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
