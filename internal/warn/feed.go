package warn

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// The feeds beside the Atom one, for receivers that read nothing else.
const (
	rssPath  = "/warnings.rss"
	edxlPath = "/warnings.edxl"
)

func (s *Service) feedRoutes(r *web.Router) {
	r.HandleFunc("GET "+rssPath, s.serveFeed("application/rss+xml; charset=utf-8", s.feedRSS))
	r.HandleFunc("GET "+edxlPath, s.serveFeed("application/xml; charset=utf-8", s.feedEDXL))
}

// serveFeed answers with what write makes of the warnings in force and of those that were ended early.
func (s *Service) serveFeed(contentType string, write func(list []full, updated time.Time, lang string) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		list, ended, changed, err := s.current(r.Context())
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		document, err := write(slices.Concat(list, ended), changed, s.pages.Language(r))
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		w.Header().Add("Vary", "Accept-Language")
		if changed.Unix() > 0 {
			w.Header().Set("Last-Modified", changed.UTC().Format(http.TimeFormat))
		}
		serve(w, r, contentType, document, changed)
	}
}

// feed writes warnings, each by its latest message, as Atom.
func (s *Service) feed(list []full, updated time.Time, lang string) ([]byte, error) {
	return s.writeFeed(cap.WriteAtom, feedPath, list, updated, lang)
}

func (s *Service) feedRSS(list []full, updated time.Time, lang string) ([]byte, error) {
	return s.writeFeed(cap.WriteRSS, rssPath, list, updated, lang)
}

// feedEDXL writes warnings whole, each as it was signed.
func (s *Service) feedEDXL(list []full, updated time.Time, lang string) ([]byte, error) {
	return s.writeFeed(cap.WriteEDXL, edxlPath, list, updated, lang)
}

func (s *Service) writeFeed(write func(cap.FeedHead, []cap.Item) ([]byte, error), path string, list []full, updated time.Time, lang string) ([]byte, error) {
	if updated.IsZero() || updated.Unix() == 0 {
		updated = s.started
	}
	base := s.options.BaseURL
	head := cap.FeedHead{
		ID: base + path, Self: base + path + "?lang=" + lang, Page: base + "/warnings?lang=" + lang,
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
	return write(head, items)
}
