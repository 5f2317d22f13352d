package packtest

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/pack"
)

// splice puts a text in the place of what stands at a place of a file, all in one line. Width 0 puts it before the place.
type splice struct {
	at   pack.Pos
	text string
}

// apply makes all splices in a file. They must not overlap.
func apply(content string, edits []splice) string {
	mark := strings.HasPrefix(content, "\ufeff")
	lines := strings.Split(strings.TrimPrefix(content, "\ufeff"), "\n")
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b splice) int { // from the end, so that places before stay where they are
		return -cmp.Or(cmp.Compare(a.at.Line, b.at.Line), cmp.Compare(a.at.Column, b.at.Column))
	})
	for _, e := range edits {
		line := []rune(lines[e.at.Line-1])
		from := min(e.at.Column-1, len(line))
		to := min(from+e.at.Width, len(line))
		lines[e.at.Line-1] = string(line[:from]) + e.text + string(line[to:])
	}
	content = strings.Join(lines, "\n")
	if mark {
		content = "\ufeff" + content
	}
	return content
}

// overlay is a folder with another content for one of its files.
type overlay struct {
	fs.FS
	name, content string
}

func (o overlay) ReadFile(name string) ([]byte, error) {
	if name == o.name {
		return []byte(o.content), nil
	}
	return fs.ReadFile(o.FS, name)
}

var _ fs.ReadFileFS = overlay{}
