package warn

import (
	"bytes"
	"fmt"
	"time"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// writeFeed writes warnings, each by its latest message, in one of the forms of feeds.
func (s *Service) writeFeed(f feed, list []full, updated time.Time, lang string) ([]byte, error) {
	if updated.IsZero() || updated.Unix() == 0 {
		updated = s.started
	}
	base := s.options.BaseURL
	head := cap.FeedHead{
		ID: base + f.path, Self: base + f.path + "?lang=" + lang, Page: base + "/warnings?lang=" + lang,
		Title: s.pages.T(lang, "feed.title", s.options.SenderName.In(lang)), Author: s.options.SenderName.In(lang),
		Sender: s.options.Sender, Language: lang, Updated: updated.In(s.options.zone()),
	}
	items := make([]cap.Item, len(list))
	for i, w := range list {
		// What is published is told from the published document itself, so that feed and message can't disagree.
		a, _, err := cap.Decode(bytes.NewReader([]byte(w.shown.cap)))
		if err != nil {
			return nil, fmt.Errorf("message %s of warning %s: %w", w.shown.identifier, w.number, err)
		}
		items[i] = cap.Item{Alert: a, Document: []byte(w.shown.cap), Link: base + "/warnings/" + messageName(w.number, w.shown.n) + ".xml",
			Page: base + "/warnings/" + w.number + "?lang=" + lang}
	}
	return f.write(head, items)
}
