package forgetfs

import (
	"bufio"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	_ "modernc.org/sqlite"
)

// TestStores runs the two stores that Anlan keeps its data in: they must come up from every cut with all they had
// acknowledged, and must lose when they do not sync. This is also why WithFile, not Strict, is what a whole Anlan is cut
// on: JetStream counts on it. The stores run in child processes, since they map files, and since a child can be killed.
func TestStores(t *testing.T) {
	for _, test := range []struct {
		store string
		names Names
		keeps bool // acknowledged means durable
	}{
		{"sqlite-full", Strict, true},
		{"sqlite-full", WithFile, true},
		{"sqlite-off", Strict, false},
		{"jetstream-sync", Strict, false}, // it never syncs the directories that it makes, nor that of a new block file
		{"jetstream-sync", WithFile, true},
		{"jetstream-nosync", Strict, false},
	} {
		t.Run(fmt.Sprintf("%s/%s", test.store, test.names), func(t *testing.T) {
			f, dir := mounted(t, test.names)
			rng := rand.New(rand.NewPCG(7, 7))
			highest, lost := 0, 0 // highest number acknowledged so far, and how many of those went missing
			const cuts = 6
			for cut := range cuts {
				child := start(t, test.store, dir)
				first, present, err := child.opened()
				if err != nil && test.keeps {
					t.Fatalf("after %d cuts the store does not come up: %v", cut, err)
				}
				if err != nil { // without syncing it may well be broken; that is a loss too
					lost += max(highest, 1)
					child.kill()
					child.wait()
					break
				}
				if present < highest {
					lost += highest - present
				}
				if first != present+1 {
					t.Fatalf("the next number is %d after %d", first, present)
				}
				highest = present
				for range 20 + rng.IntN(60) {
					n, err := child.number()
					if err != nil {
						t.Fatal(err)
					}
					highest = n
				}
				torn := rng
				if cut%2 == 0 {
					torn = nil
				}
				f.PowerCut(torn, child.kill)
				child.wait()
				for { // what it had acknowledged in the meantime counts as well
					n, err := child.number()
					if err != nil {
						break
					}
					highest = n
				}
				if err := f.Remount(); err != nil {
					t.Fatal(err)
				}
			}
			if test.keeps && lost > 0 {
				t.Errorf("lost %d acknowledged numbers in %d cuts", lost, cuts)
			}
			if !test.keeps && lost == 0 {
				t.Errorf("nothing was lost in %d cuts where a loss was sure, so this proves nothing", cuts)
			}
		})
	}
}

const childVariable, childDir = "FORGETFS_TEST_STORE", "FORGETFS_TEST_DIR"

func TestMain(m *testing.M) {
	if store := os.Getenv(childVariable); store != "" {
		if err := count(store, os.Getenv(childDir)); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// count is the child: it prints how many numbers the store holds, then appends the following ones for ever and prints
// each after the store has acknowledged it.
func count(store, dir string) error {
	have, put, err := openStore(store, dir)
	if err != nil {
		return err
	}
	fmt.Println(have)
	for n := have + 1; ; n++ {
		if err := put(n); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// openStore opens a store, checks that it holds exactly 1, 2, ... have, and returns how to append a number.
func openStore(store, dir string) (have int, put func(int) error, err error) {
	kind, sync, _ := strings.Cut(store, "-")
	if kind == "sqlite" {
		return openSQLite(filepath.Join(dir, "test.db"), sync)
	}
	return openJetStream(filepath.Join(dir, "js"), sync == "sync")
}

func openSQLite(path, sync string) (have int, put func(int) error, err error) {
	// mmap_size as in Anlan: reading through a mapping must see what was written without one.
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=mmap_size(268435456)&_pragma=synchronous("+sync+")")
	if err != nil {
		return 0, nil, err
	}
	var sum int
	var integrity string
	_, err = db.Exec(`create table if not exists t (n integer primary key, filler blob) strict`)
	if err == nil {
		err = db.QueryRow(`pragma integrity_check`).Scan(&integrity)
	}
	if err == nil {
		err = db.QueryRow(`select count(*), coalesce(sum(n), 0) from t`).Scan(&have, &sum)
	}
	if err == nil && (integrity != "ok" || sum != have*(have+1)/2) {
		err = fmt.Errorf("%s, %d rows whose sum is %d", integrity, have, sum)
	}
	return have, func(n int) error {
		_, err := db.Exec(`insert into t values ($1, randomblob(3000))`, n)
		return err
	}, err
}

func openJetStream(dir string, sync bool) (have int, put func(int) error, err error) {
	s, err := server.NewServer(&server.Options{JetStream: true, StoreDir: dir, SyncAlways: sync, DontListen: true, NoLog: true, NoSigs: true})
	if err != nil {
		return 0, nil, err
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		return 0, nil, errors.New("server is not ready")
	}
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		return 0, nil, err
	}
	js, err := nc.JetStream()
	if err != nil {
		return 0, nil, err
	}
	info, err := js.AddStream(&nats.StreamConfig{Name: "EVENTS", Subjects: []string{"n"}, Storage: nats.FileStorage})
	if err != nil {
		return 0, nil, err
	}
	have = int(info.State.LastSeq)
	if int(info.State.Msgs) != have {
		return 0, nil, fmt.Errorf("%d messages up to %d", info.State.Msgs, have)
	}
	filler := strings.Repeat("x", 300_000) // a new block file about every 27 messages
	return have, func(n int) error {
		ack, err := js.Publish("n", []byte(filler))
		if err == nil && int(ack.Sequence) != n {
			err = fmt.Errorf("sequence %d, want %d", ack.Sequence, n)
		}
		return err
	}, nil
}

// child is a running store.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines *bufio.Scanner
}

func start(t *testing.T, store, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+store, childDir+"="+dir)
	r, w, err := os.Pipe() // not StdoutPipe, which Wait closes before the last lines are read
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait(); r.Close() })
	return &child{t, cmd, bufio.NewScanner(r)}
}

func (c *child) kill() { c.cmd.Process.Kill() }
func (c *child) wait() { c.cmd.Wait() }

// opened waits for the child's store: the number it held and the first that it appended.
func (c *child) opened() (first, present int, err error) {
	if present, err = c.number(); err != nil {
		return 0, 0, err
	}
	first, err = c.number()
	return first, present, err
}

func (c *child) number() (int, error) {
	if !c.lines.Scan() {
		return 0, io.EOF
	}
	n, err := strconv.Atoi(c.lines.Text())
	if err != nil {
		return 0, errors.New(c.lines.Text())
	}
	return n, nil
}
