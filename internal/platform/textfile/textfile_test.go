package textfile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"plain.csv": []byte("a,b\n"), "marked.csv": []byte("\xef\xbb\xbfa,b\n"), "packed.csv.gz": packed(t, "a,b\n"), "both.csv.gz": packed(t, "\xef\xbb\xbfa,b\n"),
		"misnamed.csv": packed(t, "a,b\n"), "short.csv": []byte("a"), "empty.csv": nil, "wide.csv": []byte("\xff\xfea\x00"), "cut.csv.gz": packed(t, "a,b\n")[:9],
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"plain.csv": "a,b\n", "plain.csv.gz": "a,b\n", "marked.csv": "a,b\n", "packed.csv.gz": "a,b\n", "both.csv.gz": "a,b\n", "misnamed.csv": "a,b\n",
		"short.csv": "a", "empty.csv": "",
	} {
		f, err := Open(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if is := filepath.Base(f.Name()); is != name && is+".gz" != name {
			t.Errorf("%s is called %s", name, is)
		}
		got, err := io.ReadAll(f)
		if err := errors.Join(err, f.Close()); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]error{"none.csv": fs.ErrNotExist, "none.csv.gz": fs.ErrNotExist, "wide.csv": ErrUTF16, "cut.csv.gz": io.ErrUnexpectedEOF} {
		if _, err := Open(filepath.Join(dir, name)); !errors.Is(err, want) || !bytes.Contains([]byte(err.Error()), []byte(name)) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}
