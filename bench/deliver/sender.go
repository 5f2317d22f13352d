//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/app"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/reach"
)

// rooms are what the sender is made of.
type rooms struct {
	db    *db.DB
	warn  *warn.Service
	reach *reach.Service
	out   *delivery.Runner
}

// district is the register: one district with an outline.
type district struct{}

func (district) Areas(context.Context) ([]area.Area, error) {
	return []area.Area{{ID: 1, Code: "310100", Name: page.Text{English: "Harbour", Chinese: "港区"}}}, nil
}

func (district) Geometry(context.Context, int64) ([][][2]float64, error) {
	return [][][2]float64{{{122, 30}, {122.1, 30}, {122.1, 30.1}, {122, 30.1}, {122, 30}}}, nil
}

func open(ctx context.Context, dir string) (*rooms, error) {
	d, err := db.Open(ctx, db.Options{URL: database(dir)})
	if err != nil {
		return nil, err
	}
	err = d.Migrate(ctx, ledger.Migrations(), outbox.Migrations(), delivery.Migrations(), warn.Migrations(), reach.Migrations())
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	r, c := &rooms{db: d}, clock.System()
	hook := delivery.NewWebhook(c, nil)
	r.reach, err = reach.New(reach.Deps{
		DB: d, Clock: c, Access: access.AllowAll, Hazards: func() []string { return nil }, CheckURL: hook.Check, KeyFile: filepath.Join(dir, "recipients.key"),
		Areas:  func(context.Context) (map[int64]int64, error) { return map[int64]int64{1: 0}, nil },
		Number: func(context.Context, int64) (string, error) { return "", nil }, // nobody asks
	})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	r.out = delivery.New(delivery.Deps{DB: d, Clock: c, Adapters: map[string]delivery.Adapter{reach.Webhook: hook}, Resolve: r.reach.Resolve, Gone: r.reach.Gone})
	return r, nil
}

// desk makes the room of warnings, once it is needed: a sender that was killed and only sends on what waits does without the packs,
// which take longer to read than the rest of its start.
func (r *rooms) desk() error {
	if r.warn != nil {
		return nil
	}
	packs, err := app.LoadPacks()
	if err != nil {
		return err
	}
	r.warn, err = warn.New(warn.Deps{DB: r.db, Clock: clock.System(), Access: access.AllowAll, Areas: area.New(area.Deps{Access: access.AllowAll, Register: district{}}), Reach: r.reach, Hazards: packs.Hazards(),
		Options: warn.Options{Sender: "duty@city.example"}})
	return err
}

func officer(id int64) context.Context {
	return access.With(context.Background(), access.Actor{Kind: access.KindAccount, ID: id, Name: "Duty officer", Roles: []string{"duty-officer"}})
}

// fill enters the receivers as recipients and keeps their secrets for the other end.
func fill(ctx context.Context, dir string, town *receivers) error {
	r, err := open(ctx, dir)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(64)
	for i := range town.n {
		g.Go(func() error {
			name := fmt.Sprintf("Office %d", i)
			x, err := r.reach.Add(officer(1), reach.Draft{Title: page.Text{English: name, Chinese: name}, Channel: reach.Webhook, Address: town.address(i)})
			town.mu.Lock()
			town.secrets[i] = x.Secret
			town.mu.Unlock()
			return err
		})
	}
	return errors.Join(g.Wait(), r.db.Close())
}

// send is the sender's process: it sends what waits, publishes a warning for each line that it is sent, and tells when.
func send(dir string) error {
	ctx := context.Background()
	r, err := open(ctx, dir)
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- r.out.Run(ctx) }()
	fmt.Println("ready")
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if in.Text() == "quiet" {
			if err := r.quiet(ctx); err != nil {
				return err
			}
			fmt.Println("quiet")
			continue
		}
		if err := r.desk(); err != nil {
			return err
		}
		w, err := r.warn.Propose(officer(1), warn.Proposal{
			Level: warn.Red, Hazard: "gas-leak", Areas: []int64{1}, Expires: time.Now().Add(6 * time.Hour),
			Headline:    page.Text{English: "Gas leak near the old harbour", Chinese: "老港区附近发生燃气泄漏"},
			Description: page.Text{English: "A main has broken on Quay Road.", Chinese: "码头路一处燃气主管破裂。"},
		})
		if err != nil {
			return err
		}
		begun := time.Now()
		if w, err = r.warn.Approve(officer(2), w.ID, w.Version); err != nil {
			return err
		}
		fmt.Println("published", w.Number, begun.UnixNano(), time.Now().UnixNano())
	}
	select {
	case err := <-failed:
		return err
	default:
		return in.Err()
	}
}

// quiet waits until nothing is with an adapter or waits for one.
func (r *rooms) quiet(ctx context.Context) error {
	for {
		var n map[string]int64
		err := r.db.Read(ctx, func(tx *db.Tx) (err error) {
			n, err = delivery.Count(tx)
			return err
		})
		if err != nil || n[delivery.Waiting]+n[delivery.Sending]+n[delivery.Failed] == 0 {
			return err
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// sender is that process, seen from here.
type sender struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func startSender(dir string) (*sender, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &sender{cmd: exec.Command(self, "sender", dir)}
	s.cmd.Stderr = os.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if s.in, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.out = bufio.NewScanner(out)
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if !s.out.Scan() || s.out.Text() != "ready" {
		s.kill()
		return nil, errors.New("the sender does not start")
	}
	return s, nil
}

// published is a warning that is out: its number, when the approval was begun, and when it was answered.
type published struct {
	number      string
	begun, done time.Time
}

func (s *sender) publish() (published, error) {
	if _, err := io.WriteString(s.in, "publish\n"); err != nil {
		return published{}, err
	}
	if !s.out.Scan() {
		return published{}, errors.New("the sender ended before it published")
	}
	f := strings.Fields(s.out.Text())
	if len(f) != 4 {
		return published{}, fmt.Errorf("the sender said %q", s.out.Text())
	}
	begun, err := strconv.ParseInt(f[2], 10, 64)
	done, err2 := strconv.ParseInt(f[3], 10, 64)
	return published{f[1], time.Unix(0, begun), time.Unix(0, done)}, errors.Join(err, err2)
}

// quiet waits until the sender has nothing left to send: a repeat that it would have sent still must be counted.
func (s *sender) quiet() {
	if _, err := io.WriteString(s.in, "quiet\n"); err == nil {
		s.out.Scan()
	}
}

// kill ends the process with SIGKILL, wherever it is.
func (s *sender) kill() {
	s.cmd.Process.Kill()
	s.cmd.Wait() // it was killed
}
