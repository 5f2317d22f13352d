package forgetfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// mounted returns a new file system, mounted on a directory of the test, or skips where FUSE cannot be had.
func mounted(t *testing.T, names Names) (*FS, string) {
	t.Helper()
	f, dir := New(names), t.TempDir()
	if err := f.Mount(dir); errors.Is(err, ErrUnavailable) {
		t.Skipf("needs FUSE, so nothing is tested here: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Unmount(); err != nil {
			t.Error(err)
		}
	})
	return f, dir
}

// TestWhatACutLeaves runs small programs against a mount, cuts the power and compares what is left. Each step is a
// command of the interpreter below; want lists what is left as path=content, directories as path/.
func TestWhatACutLeaves(t *testing.T) {
	for _, test := range []struct {
		name  string
		names Names
		steps string
		want  string
	}{
		{"nothing synced, nothing left", Strict, "write a one", ""},
		{"file and name synced", Strict, "write a one; fsync a; syncdir .", "a=one"},
		{"a synced file without a synced name is gone", Strict, "write a one; fsync a", ""},
		{"a synced name without synced data is empty", Strict, "write a one; syncdir .", "a="},
		{"the later write is lost", Strict, "write a one; fsync a; syncdir .; write a twotwo", "a=one"},
		{"fdatasync keeps size too", Strict, "write a one; syncdir .; write a longer; fdatasync a", "a=longer"},
		{"close keeps nothing", Strict, "write a one; fsync a; syncdir .; append a two", "a=one"},
		{"O_SYNC keeps each write", Strict, "write a one; syncdir .; osync a two", "a=two"},
		{"O_DSYNC keeps each write", Strict, "write a one; syncdir .; odsync a two", "a=two"},
		{"sync of one file says nothing about another", Strict, "write a one; write b two; syncdir .; fsync b", "a= b=two"},
		{"truncate without sync", Strict, "write a abcdef; fsync a; syncdir .; truncate a 2", "a=abcdef"},
		{"truncate with sync", Strict, "write a abcdef; fsync a; syncdir .; truncate a 2; fsync a", "a=ab"},
		{"cut short, then long, holds no old bytes", Strict,
			"write a abcdef; fsync a; syncdir .; truncate a 2; truncate a 4; fsync a", "a=ab\x00\x00"},
		{"rename without dir sync", Strict, "write a one; fsync a; syncdir .; rename a b", "a=one"},
		{"rename with dir sync", Strict, "write a one; fsync a; syncdir .; rename a b; syncdir .", "b=one"},
		{"replace by rename without dir sync leaves the old one", Strict,
			"write a old; fsync a; syncdir .; write a.tmp new; fsync a.tmp; rename a.tmp a", "a=old"},
		{"replace by rename with dir sync", Strict,
			"write a old; fsync a; syncdir .; write a.tmp new; fsync a.tmp; rename a.tmp a; syncdir .", "a=new"},
		{"replace by rename with unsynced data leaves an empty file", Strict,
			"write a old; fsync a; syncdir .; write a.tmp new; rename a.tmp a; syncdir .", "a="},
		{"unlink without dir sync comes back", Strict, "write a one; fsync a; syncdir .; unlink a", "a=one"},
		{"unlink with dir sync", Strict, "write a one; fsync a; syncdir .; unlink a; syncdir .", ""},
		{"directory whose name is not synced takes its files along", Strict,
			"mkdir d; write d/a one; fsync d/a; syncdir d", ""},
		{"directory synced upwards", Strict, "mkdir d; write d/a one; fsync d/a; syncdir d; syncdir .", "d/ d/a=one"},
		{"syncing the parent does not sync the child directory", Strict,
			"mkdir d; write d/a one; fsync d/a; syncdir .", "d/"},
		{"rename between directories is one step, synced at its target", Strict,
			"mkdir d; write a one; fsync a; syncdir .; rename a d/a; syncdir d", "d/ d/a=one"},
		{"rename between directories is one step, synced at its source", Strict,
			"mkdir d; write a one; fsync a; syncdir .; rename a d/a; syncdir .", "d/ d/a=one"},
		{"rename between directories, not synced", Strict,
			"mkdir d; write a one; fsync a; syncdir .; rename a d/a", "a=one d/"},
		{"rmdir without sync comes back", Strict, "mkdir d; syncdir .; rmdir d", "d/"},
		{"fsync commits the file's own name and those above", WithFile,
			"mkdir d; write a one; write d/b two; fsync d/b", "d/ d/b=two"},
		{"fsync after a rename commits the new name", WithFile,
			"write a old; fsync a; write a.tmp new; rename a.tmp a; fsync a", "a=new"},
		{"fsync commits the rename of its directory", WithFile, "mkdir d; write d/a one; rename d e; fsync e/a", "e/ e/a=one"},
		{"no fsync, no name", WithFile, "write a one; rename a b", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, dir := mounted(t, test.names)
			for step := range strings.SplitSeq(test.steps, "; ") {
				if err := run(dir, strings.Fields(step)); err != nil {
					t.Fatalf("%s: %v", step, err)
				}
			}
			f.PowerCut(nil, func() {})
			if err := run(dir, []string{"write", "after", "x"}); err == nil {
				t.Error("a write after the cut was accepted")
			}
			if err := f.Remount(); err != nil {
				t.Fatal(err)
			}
			if got := list(t, dir); got != test.want {
				t.Errorf("left %q, want %q", got, test.want)
			}
		})
	}
}

// run does one step of a test program: a verb, a path and an argument.
func run(dir string, words []string) (err error) {
	path := filepath.Join(dir, words[1])
	open := func(flags int, do func(*os.File) error) error {
		f, err := os.OpenFile(path, flags, 0o644)
		if err != nil {
			return err
		}
		return errors.Join(do(f), f.Close())
	}
	put := func(f *os.File) error { _, err := f.WriteString(words[2]); return err }
	switch words[0] {
	case "write":
		return open(os.O_CREATE|os.O_WRONLY|os.O_TRUNC, put)
	case "append":
		return open(os.O_WRONLY|os.O_APPEND, put)
	case "osync":
		return open(os.O_WRONLY|os.O_SYNC, put)
	case "odsync":
		return open(os.O_WRONLY|syscall.O_DSYNC, put)
	case "fsync":
		return open(os.O_RDONLY, (*os.File).Sync)
	case "syncdir":
		return open(os.O_RDONLY|syscall.O_DIRECTORY, (*os.File).Sync)
	case "fdatasync":
		return open(os.O_RDWR, func(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) })
	case "truncate":
		var size int64
		if _, err := fmt.Sscan(words[2], &size); err != nil {
			return err
		}
		return os.Truncate(path, size)
	case "rename":
		return os.Rename(path, filepath.Join(dir, words[2]))
	case "unlink", "rmdir":
		return os.Remove(path)
	case "mkdir":
		return os.Mkdir(path, 0o755)
	}
	return fmt.Errorf("unknown step %q", words[0])
}

// list shows a directory tree in one line, sorted.
func list(t *testing.T, dir string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if e.IsDir() {
			all = append(all, name+"/")
			return nil
		}
		content, err := os.ReadFile(path)
		all = append(all, name+"="+string(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func TestMountMissingDirectory(t *testing.T) {
	err := New(Strict).Mount(filepath.Join(t.TempDir(), "absent"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want a file that does not exist", err)
	}
}

func TestAnOpenFileOutlivesItsName(t *testing.T) {
	_, dir := mounted(t, Strict)
	f, err := os.Create(filepath.Join(dir, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("still here"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 20)
	if n, _ := f.ReadAt(buf, 0); string(buf[:n]) != "still here" {
		t.Errorf("read %q", buf[:n])
	}
}
