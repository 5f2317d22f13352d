package partner

import (
	"bytes"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// listing is what a feed lists: documents by their address, and whole ones.
type listing struct {
	links     []link
	documents [][]byte
	status    string // of the envelope around them, where it has one
}

// link is a document's address, and what the feed says of its age: the same address may bring another document later.
type link struct{ url, version string }

// readFeed reads Atom, RSS, EDXL-DE, or one CAP message.
func readFeed(data []byte) (*listing, error) {
	if !cap.IsFeed(data) {
		if _, _, err := cap.Decode(bytes.NewReader(data)); err != nil {
			return nil, fmt.Errorf("neither a feed nor a CAP message: %w", err)
		}
		return &listing{documents: [][]byte{data}}, nil
	}
	f, problems, err := cap.ReadFeed(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the feed: %w", err)
	}
	l := &listing{status: f.Status}
	for _, e := range f.Entries {
		switch {
		case len(e.Document) > 0:
			l.documents = append(l.documents, e.Document)
		case e.Link != "":
			x := link{url: e.Link}
			if !e.Updated.IsZero() {
				x.version = e.Updated.UTC().Format(time.RFC3339Nano)
			}
			l.links = append(l.links, x)
		}
	}
	if len(l.documents)+len(l.links) == 0 && cap.Judge(problems) == cap.Reject {
		return nil, fmt.Errorf("read the feed: %s", problems[0])
	}
	return l, nil
}
