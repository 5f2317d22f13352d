// Package textfile opens text files as they come: packed with gzip or plain, with or without the mark of UTF-8.
package textfile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ErrUTF16 says that a file is text of another encoding.
var ErrUTF16 = errors.New("the file is UTF-16: save it as UTF-8")

// File is an open file; what is read of it is its text, as Text gives it.
type File struct {
	*bufio.Reader
	file *os.File
}

// Open opens a file to be read. One that is asked for as "levels.csv.gz" may also stand there as "levels.csv".
func Open(path string) (*File, error) {
	f, err := os.Open(path)
	if plain, ok := strings.CutSuffix(path, ".gz"); ok && errors.Is(err, fs.ErrNotExist) {
		if p, plainErr := os.Open(plain); !errors.Is(plainErr, fs.ErrNotExist) {
			f, err = p, plainErr
		}
	}
	if err != nil {
		return nil, err
	}
	text, err := Text(f)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", f.Name(), err), f.Close())
	}
	return &File{text, f}, nil
}

// Name is the path of the file that was opened.
func (f *File) Name() string { return f.file.Name() }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Text is the text of a file that is packed or plain, without the mark of UTF-8.
func Text(in io.Reader) (*bufio.Reader, error) {
	text := bufio.NewReaderSize(in, 1<<16)
	if magic, _ := text.Peek(2); bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		plain, err := gzip.NewReader(text)
		if err != nil {
			return nil, err
		}
		text = bufio.NewReaderSize(plain, 1<<16)
	}
	switch mark, _ := text.Peek(3); {
	case bytes.Equal(mark, []byte("\xef\xbb\xbf")):
		_, _ = text.Discard(3) // the three bytes were just seen
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		return nil, ErrUTF16
	}
	return text, nil
}
