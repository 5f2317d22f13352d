package delivery

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/platform/clock"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// lines are the keys that stand in a file, each line whole.
func lines(t *testing.T, path string) (keys []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 0 && b[len(b)-1] != '\n' {
		t.Errorf("the last line is not whole: %q", b)
	}
	for _, text := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n") {
		var l struct{ Key, To string }
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		keys = append(keys, l.Key)
	}
	return keys
}

func TestFile(t *testing.T) {
	dir := t.TempDir()
	f := NewFile(dir)
	send := func(key string, doubt bool) string {
		t.Helper()
		proof, err := f.Send(context.Background(), Message{Key: key, Address: "notices.jsonl", Subject: Text{"Gas", "燃气"}, InDoubt: doubt})
		if err != nil {
			t.Fatal(err)
		}
		return proof
	}
	first := send("a", false)
	send("b", true) // in doubt, and not there
	if again := send("a", true); again != first {
		t.Errorf("the proof of a message that is there: %q, the first was %q", again, first)
	}
	// A crash in the middle of a line.
	path := filepath.Join(dir, "notices.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, []byte(`{"key":"c","subject":{"en":"`+strings.Repeat("x", 5000))...), 0o600); err != nil {
		t.Fatal(err)
	}
	send("c", true)
	if got := fmt.Sprint(lines(t, path)); got != "[a b c]" {
		t.Errorf("the file holds %s", got)
	}
	for _, name := range []string{"../out", "a/b", ".hidden", "", ".."} {
		if _, err := f.Send(context.Background(), Message{Key: "x", Address: name}); !errors.Is(err, ErrPermanent) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// The process is killed again and again while it sends. In the end each message stands in the file once.
func TestKillsWhileSending(t *testing.T) {
	if dir := os.Getenv("ANLAN_DELIVERY_CHILD"); dir != "" {
		child(t, dir)
		return
	}
	const messages, kills = 400, 25
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "anlan.db")
	store, err := db.Open(context.Background(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Migrate(context.Background(), mine...); err != nil {
		t.Fatal(err)
	}
	err = store.Write(context.Background(), func(tx *db.Tx) error {
		for i := range messages {
			if _, err := Put(tx, Message{Key: fmt.Sprint("m", i), Channel: "file", Address: "out.jsonl", At: clock.System().Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	killed := 0
	for range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKillsWhileSending$")
		cmd.Env = append(os.Environ(), "ANLAN_DELIVERY_CHILD="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(out)
		for left := 1 + rand.IntN(20); left > 0 && in.Scan(); {
			if in.Text() == "sent" {
				left--
			}
		}
		cmd.Process.Kill()
		for in.Scan() {
		}
		if cmd.Wait() != nil {
			killed++
		}
	}
	child(t, dir)
	seen := map[string]int{}
	for _, k := range lines(t, filepath.Join(dir, "out.jsonl")) {
		seen[k]++
	}
	lost, doubled := 0, 0
	for i := range messages {
		switch n := seen[fmt.Sprint("m", i)]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
	}
	t.Logf("%d messages through %d kills: lost=%d doubled=%d", messages, killed, lost, doubled)
	if lost+doubled > 0 || killed < kills/2 {
		t.Errorf("lost=%d doubled=%d after %d kills", lost, doubled, killed)
	}
}

// tells says on standard output that a message has been sent, before its commit.
type tells struct{ Adapter }

func (a tells) Send(ctx context.Context, m Message) (string, error) {
	proof, err := a.Adapter.Send(ctx, m)
	fmt.Println("sent")
	return proof, err
}

// child sends what waits in a folder.
func child(t *testing.T, dir string) {
	d, err := db.Open(context.Background(), db.Options{URL: "sqlite:" + filepath.Join(dir, "anlan.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	r := New(Deps{DB: d, Clock: clock.System(), Adapters: map[string]Adapter{"file": tells{NewFile(dir)}}})
	if err := r.Resume(context.Background()); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := r.Send(context.Background(), "file")
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}
