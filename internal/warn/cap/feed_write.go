package cap

import (
	"bytes"
	"encoding/xml"
	"strings"
	"time"
)

// FeedHead is what stands above the entries of a feed that we write.
type FeedHead struct {
	Self     string // where the feed is; its id as well
	Page     string // where people read the same
	ID       string // Self when empty
	Title    string
	Author   string
	Sender   string // CAP sender, for the envelope of EDXL-DE
	Language string // of titles and texts: the info block of this language is taken, else the first
	Updated  time.Time
}

func (h FeedHead) id() string {
	if h.ID == "" {
		return h.Self
	}
	return h.ID
}

// Item is one published message.
type Item struct {
	Alert    *Alert
	Document []byte // as it was published, signature included; Alert encoded when nil
	Link     string // where the document is
	Page     string // where people read it
}

// forPublic leaves out whatever must not reach the public, whoever put it on the list.
func forPublic(items []Item) []Item {
	var out []Item
	for _, i := range items {
		if i.Alert.ForPublic() {
			out = append(out, i)
		}
	}
	return out
}

// inLanguage returns the info block for the language, an empty one when the message has none.
func (i Item) inLanguage(lang string) Info {
	for _, info := range i.Alert.Infos {
		if info.Language == lang {
			return info
		}
	}
	if len(i.Alert.Infos) > 0 {
		return i.Alert.Infos[0]
	}
	return Info{}
}

// The feed of RFC 4287, with the fields by which receivers choose in the CAP
// namespace, as the weather services of the world write it.
type (
	atomFeed struct {
		XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
		CAP     string      `xml:"xmlns:cap,attr"`
		Lang    string      `xml:"xml:lang,attr,omitempty"`
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
		capFields
	}
	atomCategory struct {
		Term string `xml:"term,attr"`
	}
	// capFields are the same in Atom and RSS.
	capFields struct {
		Identifier string     `xml:"cap:identifier"`
		Sender     string     `xml:"cap:sender"`
		Sent       string     `xml:"cap:sent"`
		Status     string     `xml:"cap:status"`
		MsgType    string     `xml:"cap:msgType"`
		Scope      string     `xml:"cap:scope"`
		References string     `xml:"cap:references,omitempty"`
		Kinds      []string   `xml:"cap:category"`
		Event      string     `xml:"cap:event,omitempty"`
		Responses  []string   `xml:"cap:responseType"`
		Urgency    string     `xml:"cap:urgency,omitempty"`
		Severity   string     `xml:"cap:severity,omitempty"`
		Certainty  string     `xml:"cap:certainty,omitempty"`
		Onset      string     `xml:"cap:onset,omitempty"`
		Expires    string     `xml:"cap:expires,omitempty"`
		Areas      []string   `xml:"cap:areaDesc"`
		Polygons   []string   `xml:"cap:polygon"`
		Circles    []string   `xml:"cap:circle"`
		Geocodes   []capValue `xml:"cap:geocode"`
		Parameters []capValue `xml:"cap:parameter"`
	}
	capValue struct {
		Name  string `xml:"cap:valueName"`
		Value string `xml:"cap:value"`
	}
)

func fieldsOf(a *Alert, info Info) (capFields, error) {
	f := capFields{
		Identifier: a.Identifier, Sender: a.Sender, Sent: a.Sent.String(), Status: a.Status, MsgType: a.MsgType, Scope: a.Scope,
		Kinds: info.Categories, Event: info.Event, Responses: info.ResponseTypes,
		Urgency: info.Urgency, Severity: info.Severity, Certainty: info.Certainty,
	}
	references, err := a.References.MarshalText()
	if err != nil {
		return f, err
	}
	f.References = string(references)
	if info.Onset != nil {
		f.Onset = info.Onset.String()
	}
	if info.Expires != nil {
		f.Expires = info.Expires.String()
	}
	for _, v := range info.Parameters {
		f.Parameters = append(f.Parameters, capValue(v))
	}
	for _, area := range info.Areas {
		f.Areas = append(f.Areas, area.Description)
		for _, ring := range area.Polygons {
			text, err := ring.MarshalText()
			if err != nil {
				return f, err
			}
			f.Polygons = append(f.Polygons, string(text))
		}
		for _, circle := range area.Circles {
			text, err := circle.MarshalText()
			if err != nil {
				return f, err
			}
			f.Circles = append(f.Circles, string(text))
		}
		for _, v := range area.Geocodes {
			f.Geocodes = append(f.Geocodes, capValue(v))
		}
	}
	return f, nil
}

// titleOf is what an entry is called: the headline, else what it is about.
func titleOf(a *Alert, info Info) string {
	for _, s := range []string{info.Headline, info.Event} {
		if s != "" {
			return s
		}
	}
	return a.MsgType + " " + a.Identifier
}

// WriteAtom writes the messages that are for the public as an Atom feed.
func WriteAtom(h FeedHead, items []Item) ([]byte, error) {
	f := atomFeed{
		CAP: Namespace12, Lang: h.Language, ID: h.id(), Title: h.Title, Updated: h.Updated.UTC().Format(time.RFC3339), Author: atomAuthor{h.Author},
		Links: []atomLink{{"self", "application/atom+xml", h.Self}, {"alternate", "text/html", h.Page}},
	}
	for _, i := range forPublic(items) {
		info := i.inLanguage(h.Language)
		sent := i.Alert.Sent.UTC().Format(time.RFC3339)
		e := atomEntry{ID: i.Link, Title: titleOf(i.Alert, info), Updated: sent, Published: sent, Author: atomAuthor{h.Author}, Summary: info.Description,
			Links: []atomLink{{"alternate", "application/cap+xml", i.Link}, {"related", "text/html", i.Page}}}
		for _, c := range info.Categories {
			e.Categories = append(e.Categories, atomCategory{c})
		}
		var err error
		if e.capFields, err = fieldsOf(i.Alert, info); err != nil {
			return nil, err
		}
		f.Entries = append(f.Entries, e)
	}
	return marshal(f)
}

type (
	rssFeed struct {
		XMLName xml.Name   `xml:"rss"`
		Version string     `xml:"version,attr"`
		CAP     string     `xml:"xmlns:cap,attr"`
		Atom    string     `xml:"xmlns:atom,attr"`
		Channel rssChannel `xml:"channel"`
	}
	rssChannel struct {
		Title       string    `xml:"title"`
		Link        string    `xml:"link"`
		Description string    `xml:"description"`
		Language    string    `xml:"language,omitempty"`
		Built       string    `xml:"lastBuildDate"`
		Self        atomLink  `xml:"atom:link"`
		Items       []rssItem `xml:"item"`
	}
	rssItem struct {
		Title       string       `xml:"title"`
		Link        string       `xml:"link"`
		Description string       `xml:"description"`
		Categories  []string     `xml:"category"`
		GUID        rssGUID      `xml:"guid"`
		Published   string       `xml:"pubDate"`
		Enclosure   rssEnclosure `xml:"enclosure"`
		capFields
	}
	rssGUID struct {
		Permalink bool   `xml:"isPermaLink,attr"`
		ID        string `xml:",chardata"`
	}
	rssEnclosure struct {
		URL    string `xml:"url,attr"`
		Length int    `xml:"length,attr"`
		Type   string `xml:"type,attr"`
	}
)

// WriteRSS writes the messages that are for the public as RSS 2.0. An item's link
// leads to its page for people, its enclosure to the CAP document.
func WriteRSS(h FeedHead, items []Item) ([]byte, error) {
	f := rssFeed{Version: "2.0", CAP: Namespace12, Atom: nsAtom, Channel: rssChannel{
		Title: h.Title, Link: h.Page, Description: h.Title, Language: h.Language, Built: h.Updated.UTC().Format(rssTime),
		Self: atomLink{"self", "application/rss+xml", h.Self},
	}}
	for _, i := range forPublic(items) {
		info := i.inLanguage(h.Language)
		document, err := i.document()
		if err != nil {
			return nil, err
		}
		item := rssItem{Title: titleOf(i.Alert, info), Link: i.Page, Description: info.Description, Categories: info.Categories,
			GUID: rssGUID{false, i.Alert.Identifier}, Published: i.Alert.Sent.UTC().Format(rssTime), Enclosure: rssEnclosure{i.Link, len(document), "application/cap+xml"}}
		if item.capFields, err = fieldsOf(i.Alert, info); err != nil {
			return nil, err
		}
		f.Channel.Items = append(f.Channel.Items, item)
	}
	return marshal(f)
}

// rssTime is RFC 822 as RSS takes it, with GMT.
const rssTime = "Mon, 02 Jan 2006 15:04:05 GMT"

func (i Item) document() ([]byte, error) {
	if i.Document != nil {
		return i.Document, nil
	}
	return Encode(i.Alert)
}

type (
	edxlEnvelope struct {
		XMLName         xml.Name     `xml:"urn:oasis:names:tc:emergency:EDXL:DE:1.0 EDXLDistribution"`
		ID              string       `xml:"distributionID"`
		Sender          string       `xml:"senderID"`
		Sent            Time         `xml:"dateTimeSent"`
		Status          string       `xml:"distributionStatus"`
		Type            string       `xml:"distributionType"`
		Confidentiality string       `xml:"combinedConfidentiality"`
		Language        string       `xml:"language,omitempty"`
		Objects         []edxlObject `xml:"contentObject"`
	}
	edxlObject struct {
		Description string      `xml:"contentDescription"`
		Content     edxlContent `xml:"xmlContent>embeddedXMLContent"`
	}
	edxlContent struct {
		Document []byte `xml:",innerxml"`
	}
)

// WriteEDXL writes the messages that are for the public into one EDXL-DE 1.0
// envelope, each whole and byte for byte, so that a receiver who cuts it out can
// verify its signature.
func WriteEDXL(h FeedHead, items []Item) ([]byte, error) {
	// Each state of the feed is a distribution of its own (EDXL-DE 1.0 §3.2.1): who knows an id doesn't read it again.
	f := edxlEnvelope{ID: h.id() + "#" + h.Updated.UTC().Format("20060102T150405Z"), Sender: h.Sender, Sent: Time{h.Updated}, Status: Actual, Type: "Report", Confidentiality: "UNCLASSIFIED", Language: h.Language}
	for _, i := range forPublic(items) {
		document, err := i.document()
		if err != nil {
			return nil, err
		}
		f.Objects = append(f.Objects, edxlObject{titleOf(i.Alert, i.inLanguage(h.Language)), edxlContent{rootOf(document)}})
	}
	return marshal(f)
}

// rootOf is the document without its XML declaration.
func rootOf(document []byte) []byte {
	text := strings.TrimSpace(string(document))
	if strings.HasPrefix(text, "<?xml") {
		_, text, _ = strings.Cut(text, "?>")
	}
	return []byte(strings.TrimSpace(text))
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
