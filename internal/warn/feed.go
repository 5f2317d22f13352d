package warn

import (
	"bytes"
	"encoding/xml"
	"time"

	"github.com/anlan-city/anlan/internal/warn/cap"
)

// The feed of RFC 4287, with the fields by which receivers choose in the CAP
// namespace, as the weather services of the world write it.
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		CAP     string      `xml:"xmlns:cap,attr"`
		Lang    string      `xml:"xml:lang,attr"`
		ID      string      `xml:"id"`
		Title   string      `xml:"title"`
		Updated string      `xml:"updated"`
		Author  atomAuthor  `xml:"author"`
		Links   []atomLink  `xml:"link"`
		Entries []atomEntry `xml:"entry"`
	}
	atomAuthor struct {
		Name string `xml:"name"`
	}
	atomLink struct {
		Rel  string `xml:"rel,attr"`
		Type string `xml:"type,attr"`
		Href string `xml:"href,attr"`
	}
	atomEntry struct {
		ID         string         `xml:"id"`
		Title      string         `xml:"title"`
		Updated    string         `xml:"updated"`
		Published  string         `xml:"published"`
		Author     atomAuthor     `xml:"author"`
		Summary    string         `xml:"summary"`
		Links      []atomLink     `xml:"link"`
		Categories []atomCategory `xml:"category"`
		Identifier string         `xml:"cap:identifier"`
		Sender     string         `xml:"cap:sender"`
		Sent       string         `xml:"cap:sent"`
		Status     string         `xml:"cap:status"`
		MsgType    string         `xml:"cap:msgType"`
		Scope      string         `xml:"cap:scope"`
		Kinds      []string       `xml:"cap:category"`
		Event      string         `xml:"cap:event"`
		Responses  []string       `xml:"cap:responseType"`
		Urgency    string         `xml:"cap:urgency"`
		Severity   string         `xml:"cap:severity"`
		Certainty  string         `xml:"cap:certainty"`
		Onset      string         `xml:"cap:onset"`
		Expires    string         `xml:"cap:expires"`
		Areas      []string       `xml:"cap:areaDesc"`
		Polygons   []string       `xml:"cap:polygon"`
		Geocodes   []atomValue    `xml:"cap:geocode"`
		Parameters []atomValue    `xml:"cap:parameter"`
	}
	atomValue struct {
		Name  string `xml:"cap:valueName"`
		Value string `xml:"cap:value"`
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
)

// feed writes warnings, each by its latest message, as Atom.
func (s *Service) feed(list []full, updated time.Time, lang string) ([]byte, error) {
	if updated.IsZero() || updated.Unix() == 0 {
		updated = s.started
	}
	base := s.options.BaseURL
	f := atomFeed{
		CAP: cap.Namespace12, Lang: lang, ID: base + "/warnings.atom", Title: s.pages.T(lang, "feed.title", s.options.SenderName.In(lang)),
		Updated: updated.UTC().Format(time.RFC3339), Author: atomAuthor{s.options.SenderName.In(lang)},
		Links: []atomLink{
			{"self", "application/atom+xml", base + "/warnings.atom?lang=" + lang},
			{"alternate", "text/html", base + "/warnings?lang=" + lang},
		},
	}
	for _, w := range list {
		v := w.shown
		document := base + "/warnings/" + messageName(w.number, v.n) + ".xml"
		said := v.kind.terms(v.content, v.sent)
		headline, description, _ := v.kind.texts(v.content, lang)
		e := atomEntry{
			ID: document, Title: headline, Updated: v.sent.UTC().Format(time.RFC3339), Published: v.sent.UTC().Format(time.RFC3339),
			Author: atomAuthor{s.options.SenderName.In(lang)}, Summary: description,
			Links: []atomLink{
				{"alternate", "application/cap+xml", document},
				{"related", "text/html", base + "/warnings/" + w.number + "?lang=" + lang},
			},
			Identifier: v.identifier, Sender: s.options.Sender, Sent: s.capTime(v.sent), Status: w.status, MsgType: said.messageType, Scope: w.scope,
			Kinds: v.content.About.Categories, Event: v.content.About.Event.In(lang), Responses: said.responses,
			Urgency: said.urgency, Severity: said.severity, Certainty: said.certainty,
			Onset: s.capTime(said.onset), Expires: s.capTime(v.content.Expires),
			Parameters: []atomValue{{Name: parameterLevel, Value: string(v.content.Level)}},
		}
		for _, c := range v.content.About.Categories {
			e.Categories = append(e.Categories, atomCategory{c})
		}
		for _, a := range v.content.Areas {
			e.Areas = append(e.Areas, a.Name.In(lang))
			if a.Code != "" {
				e.Geocodes = append(e.Geocodes, atomValue{Name: s.options.GeocodeName, Value: a.Code})
			}
			for _, ring := range a.Rings {
				text, err := ring.MarshalText()
				if err != nil {
					return nil, err
				}
				e.Polygons = append(e.Polygons, string(text))
			}
		}
		f.Entries = append(f.Entries, e)
	}
	var b bytes.Buffer
	b.WriteString(xml.Header)
	enc := xml.NewEncoder(&b)
	enc.Indent("", " ")
	if err := enc.Encode(f); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func (s *Service) capTime(t time.Time) string { return cap.Time{Time: t.In(s.options.zone())}.String() }
