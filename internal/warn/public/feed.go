package public

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// feed is one form in which programs follow the warnings.
type feed struct {
	path        string
	contentType string
	title       page.Text
	write       func(cap.FeedHead, []cap.Item) ([]byte, error)
}

// feeds are all of them; every public page points at each.
var feeds = []feed{
	{"/warnings.atom", "application/atom+xml", page.Text{English: "Current warnings (Atom)", Chinese: "当前生效预警（Atom）"}, cap.WriteAtom},
	{"/warnings.rss", "application/rss+xml", page.Text{English: "Current warnings (RSS)", Chinese: "当前生效预警（RSS）"}, cap.WriteRSS},
	{"/warnings.edxl", "application/xml", page.Text{English: "Current warnings (EDXL-DE)", Chinese: "当前生效预警（EDXL-DE）"}, cap.WriteEDXL},
}

// Feeds are the feeds that pages point at.
func Feeds() []page.Feed {
	var out []page.Feed
	for _, f := range feeds {
		out = append(out, page.Feed{Path: f.path, Type: f.contentType, Title: f.title})
	}
	return out
}

func (s *Service) feedPage(f feed) http.HandlerFunc {
	return s.cached(func(p *picture, r *http.Request) (key, maker) {
		lang := s.pages.Language(r)
		return key{what: f.path, Reader: page.Reader{Lang: lang}}, func(context.Context) (*sheet, error) {
			body, err := s.writeFeed(f, slices.Concat(p.inForce, p.ended), p.changed, lang)
			if err != nil {
				return nil, err
			}
			return newSheet(f.contentType+"; charset=utf-8", lang, body, p.changed)
		}
	})
}

// writeFeed writes warnings, each by its latest message, in one of the forms of feeds.
func (s *Service) writeFeed(f feed, list []Warning, updated time.Time, lang string) ([]byte, error) {
	if updated.IsZero() || updated.Unix() == 0 {
		updated = s.started
	}
	base := s.issuer.BaseURL
	head := cap.FeedHead{
		ID: base + f.path, Self: base + f.path + "?lang=" + lang, Page: base + "/warnings?lang=" + lang,
		Title: s.pages.T(lang, "feed.title", s.issuer.Name.In(lang)), Author: s.issuer.Name.In(lang),
		Sender: s.issuer.Sender, Language: lang, Updated: updated.In(s.issuer.TimeZone),
	}
	items := make([]cap.Item, len(list))
	for i, w := range list {
		// What is published is told from the published document itself, so that feed and message can't disagree.
		a, _, err := cap.Decode(bytes.NewReader([]byte(w.Latest.Document)))
		if err != nil {
			return nil, fmt.Errorf("message %s: %w", messageName(w.Number, w.Latest.Version), err)
		}
		items[i] = cap.Item{Alert: a, Document: []byte(w.Latest.Document), Link: base + "/warnings/" + messageName(w.Number, w.Latest.Version) + ".xml",
			Page: base + "/warnings/" + w.Number + "?lang=" + lang}
	}
	return f.write(head, items)
}
