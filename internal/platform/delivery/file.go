package delivery

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// File is the channel into files of one folder: one message a line, JSON, on disk before it counts as sent. Another program can
// follow such a file. The address is the file's name.
type File struct {
	dir, name string
	mu        sync.Mutex // held while a line is written: two addresses may be one file
}

// NewFile returns the channel into a folder that exists.
func NewFile(dir string) *File { return &File{dir: dir} }

// NewFileOf is the channel into one file of the folder, whatever the address, which stands in the line: it takes the place of a
// gateway that there is not.
func NewFileOf(dir, name string) *File { return &File{dir: dir, name: name} }

var (
	_ Adapter = (*File)(nil)
	_ Paced   = (*File)(nil)
)

// Pace fulfils Paced: a file is quick, and its messages share their commits.
func (f *File) Pace() Pace { return Pace{AtOnce: 8, InARow: 64} }

// line is what stands in the file.
type line struct {
	Message
	SentTo string          `json:"to"`
	Data   json.RawMessage `json:"data,omitempty"`
}

// Send fulfils Adapter. A message in doubt is looked for in the file, so it stands there once.
func (f *File) Send(_ context.Context, m Message) (string, error) {
	name := cmp.Or(f.name, m.Address)
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("%w: %q is no name of a file", ErrPermanent, name)
	}
	text, err := json.Marshal(line{m, m.Address, m.Data})
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrPermanent, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path := filepath.Join(f.dir, name)
	_, err = os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", err
	}
	defer file.Close()
	end, err := whole(file)
	if err != nil {
		return "", err
	}
	if m.InDoubt {
		at, found, err := find(file, end, m.Key)
		if err != nil {
			return "", err
		}
		if found {
			return proof(name, at), nil
		}
	}
	if _, err = file.WriteAt(append(text, '\n'), end); err == nil {
		err = file.Sync()
	}
	if err != nil { // a disk that is full: what was written in part goes
		return "", errors.Join(err, file.Truncate(end))
	}
	if fresh { // its name must survive a power cut, too
		if err := syncFolder(f.dir); err != nil {
			return "", err
		}
	}
	return proof(name, end), nil
}

func proof(name string, at int64) string { return fmt.Sprintf("%s at byte %d", name, at) }

// whole cuts off a last line that a crash left half, and returns where the next one begins.
func whole(file *os.File) (int64, error) {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, 4096)
	for at := end; at > 0; {
		n := min(at, int64(len(buf)))
		at -= n
		if _, err := file.ReadAt(buf[:n], at); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			if whole := at + int64(i) + 1; whole < end {
				return whole, file.Truncate(whole)
			}
			return end, nil
		}
	}
	return 0, file.Truncate(0)
}

// find looks for the line of a key.
func find(file *os.File, end int64, key string) (at int64, found bool, err error) {
	in := bufio.NewReader(io.NewSectionReader(file, 0, end))
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return 0, false, nil
		}
		if err != nil {
			return 0, false, err
		}
		var l struct{ Key string }
		if json.Unmarshal(text, &l) == nil && l.Key == key {
			return at, true, nil
		}
		at += int64(len(text))
	}
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
