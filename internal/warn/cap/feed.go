package cap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// The formats in which alerts are listed.
const (
	FormatAtom = "atom"    // RFC 4287
	FormatRSS  = "rss"     // RSS 2.0
	FormatEDXL = "edxl-de" // OASIS EDXL-DE 1.0
)

const (
	nsAtom = "http://www.w3.org/2005/Atom"
	nsEDXL = "urn:oasis:names:tc:emergency:EDXL:DE:1.0"
)

// Bounds on what ReadFeed reads. The national index of a large country holds
// some 150 entries in 300 kB.
const (
	MaxFeedBytes    = 8 << 20
	MaxFeedElements = 200_000
	MaxFeedDepth    = MaxDepth + 8
	MaxEntries      = 5_000
)

var feedBounds = bounds{MaxFeedBytes, MaxFeedDepth, MaxFeedElements}

// Feed is a list of alerts as somebody publishes it.
type Feed struct {
	Format  string
	ID      string
	Title   string
	Updated time.Time // zero when it doesn't say
	Status  string    // of an EDXL-DE envelope: Actual, Exercise, System or Test
	Entries []Entry
}

// Entry is one alert of a feed: enclosed whole, or told of and linked.
type Entry struct {
	ID        string
	Title     string
	Summary   string
	Updated   time.Time // zero when it doesn't say
	Link      string    // where the CAP message is, as the feed writes it; empty when it is enclosed only
	Alert     *Alert    // enclosed, nil in an index
	Document  []byte    // the enclosed message as it stands in the feed, for Verify
	Problems  []Problem // of the enclosed message: schema and rules for Receiving
	Said      *Alert    // what an index says of the message in cap: fields, nil if nothing; partial, and never a message by itself
	Line      int
	container string
}

// ReadFeed reads an Atom feed, an RSS 2.0 feed or an EDXL-DE envelope. The error
// says that this is none of them, or exceeds the bounds; the problems are the
// feed's own and those of its entries, whose messages are to be judged one by
// one: a feed with one bad entry still tells of the others.
func ReadFeed(r io.Reader) (*Feed, []Problem, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxFeedBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read feed: %w", err)
	}
	root, err := parse(data, feedBounds)
	if err != nil {
		return nil, nil, err
	}
	text, err := toUTF8(data, MaxFeedBytes)
	if err != nil {
		return nil, nil, err
	}
	f := feedReader{text: text}
	switch {
	case root.name.Local == "feed" && root.name.Space == nsAtom:
		f.atom(root)
	case root.name.Local == "rss":
		f.rss(root)
	case root.name.Local == "EDXLDistribution" && root.name.Space == nsEDXL:
		f.edxl(root)
	default:
		return nil, nil, &documentError{root.line, fmt.Errorf("expected an Atom feed, RSS 2.0 or EDXL-DE 1.0, found element %.100q of namespace %.100q", root.name.Local, root.name.Space)}
	}
	if f.tooMany {
		return nil, nil, fmt.Errorf("the feed has more than %d entries", MaxEntries)
	}
	f.finish()
	return &f.feed, f.problems, nil
}

// JudgeFeed returns the verdict over a feed: rejected when it can't be trusted
// at all or when every message in it is refused; taken with a doubt when some are.
func JudgeFeed(f *Feed, problems []Problem) Verdict {
	verdict := Judge(problems)
	refused, enclosed := 0, 0
	for _, e := range f.Entries {
		if e.Alert == nil && len(e.Problems) == 0 {
			continue
		}
		enclosed++
		switch Judge(e.Problems) {
		case Reject:
			refused++
		case Warn:
			if verdict == Accept {
				verdict = Warn
			}
		}
	}
	switch {
	case refused > 0 && refused == enclosed:
		return Reject
	case refused > 0 && verdict == Accept:
		return Warn
	}
	return verdict
}

// IsFeed says whether a document that Decode refuses looks like a list of alerts,
// so that the one or the other reader can be chosen. It reads the first element only.
func IsFeed(data []byte) bool {
	head := data[:min(len(data), 64<<10)]
	if len(head) > 1 && (head[0] == 0 || head[1] == 0 || head[0] >= 0xfe) { // UTF-16
		text, err := toUTF8(head[:len(head)&^1], len(head))
		if err != nil {
			return false
		}
		head = text
	}
	m := firstElement.FindSubmatch(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")))
	return m != nil && (string(m[1]) == "feed" || string(m[1]) == "rss" || string(m[1]) == "EDXLDistribution")
}

var firstElement = regexp.MustCompile(`^(?:\s|<\?[^>]*\?>|<!--(?s:.*?)-->)*<(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)`)

type feedReader struct {
	text     []byte
	feed     Feed
	problems []Problem
	tooMany  bool
}

// full says that there are too many entries already.
func (f *feedReader) full() bool {
	f.tooMany = len(f.feed.Entries) >= MaxEntries
	return f.tooMany
}

func (f *feedReader) add(g Grade, n *node, rule, path, format string, args ...any) {
	f.problems = append(f.problems, Problem{Grade: g, Rule: rule, Path: path, Line: n.line, Message: fmt.Sprintf(format, args...)})
}

func (f *feedReader) atom(root *node) {
	f.feed.Format = FormatAtom
	f.feed.ID = textOf(root.child(nsAtom, "id"))
	f.feed.Title = textOf(root.child(nsAtom, "title"))
	f.feed.Updated = f.moment(root.child(nsAtom, "updated"), "feed/updated", time.RFC3339)
	for _, name := range []string{"id", "title", "updated"} { // RFC 4287 §4.1.1
		if root.child(nsAtom, name) == nil {
			f.add(Doubt, root, "feed-form", "feed", "the feed has no %s", name)
		}
	}
	for _, n := range root.children {
		if n.name.Space != nsAtom || n.name.Local != "entry" {
			continue
		}
		if f.full() {
			return
		}
		e := Entry{Line: n.line, container: fmt.Sprintf("feed/entry[%d]", len(f.feed.Entries)+1)}
		e.ID, e.Title, e.Summary = textOf(n.child(nsAtom, "id")), textOf(n.child(nsAtom, "title")), textOf(n.child(nsAtom, "summary"))
		e.Updated = f.moment(n.child(nsAtom, "updated"), e.container+"/updated", time.RFC3339)
		if e.ID == "" {
			f.add(Doubt, n, "feed-form", e.container, "the entry has no id")
		}
		e.Link = atomLinkOf(n)
		if content := n.child(nsAtom, "content"); content != nil {
			f.enclosed(&e, content)
			if src := content.attribute("src"); src != "" && e.Link == "" {
				e.Link = src
			}
		}
		e.Said = said(n)
		f.entry(n, e)
	}
}

// atomLinkOf prefers a link that says it is CAP over one that says nothing, and both over a page for people.
func atomLinkOf(n *node) string {
	best, rank := "", 0
	for _, c := range n.children {
		if c.name.Local != "link" || c.name.Space != nsAtom || c.attribute("href") == "" {
			continue
		}
		r := 1
		switch kind, rel := c.attribute("type"), c.attribute("rel"); {
		case strings.HasPrefix(kind, "application/cap+xml"):
			r = 4
		case kind == "text/xml" || kind == "application/xml":
			r = 3
		case rel == "self" || rel == "edit" || strings.HasPrefix(kind, "text/html") || strings.HasPrefix(kind, "image/"):
			r = 0
		case kind == "" && (rel == "" || rel == "alternate"):
			r = 2
		}
		if r > rank {
			best, rank = c.attribute("href"), r
		}
	}
	return best
}

func (f *feedReader) rss(root *node) {
	f.feed.Format = FormatRSS
	channel := root.child("", "channel")
	if channel == nil {
		f.add(Wrong, root, "feed-form", "rss", "the feed has no channel")
		return
	}
	if v := root.attribute("version"); v != "2.0" {
		f.add(Doubt, root, "feed-form", "rss", "expected RSS 2.0, found version %.20q", v)
	}
	f.feed.ID = textOf(channel.child("", "link"))
	f.feed.Title = textOf(channel.child("", "title"))
	for _, name := range []string{"title", "link", "description"} { // RSS 2.0, required channel elements
		if channel.child("", name) == nil {
			f.add(Doubt, channel, "feed-form", "rss/channel", "the channel has no %s", name)
		}
	}
	for _, name := range []string{"pubDate", "lastBuildDate"} {
		if t := f.moment(channel.child("", name), "rss/channel/"+name, rssTimes...); t.After(f.feed.Updated) {
			f.feed.Updated = t
		}
	}
	for _, n := range channel.children {
		if n.name.Local != "item" || n.name.Space != "" {
			continue
		}
		if f.full() {
			return
		}
		e := Entry{Line: n.line, container: fmt.Sprintf("rss/channel/item[%d]", len(f.feed.Entries)+1)}
		e.ID, e.Title, e.Summary = textOf(n.child("", "guid")), textOf(n.child("", "title")), textOf(n.child("", "description"))
		if e.Title == "" && e.Summary == "" {
			f.add(Doubt, n, "feed-form", e.container, "the item has neither title nor description")
		}
		e.Updated = f.moment(n.child("", "pubDate"), e.container+"/pubDate", rssTimes...)
		e.Link = textOf(n.child("", "link"))
		for _, c := range n.children {
			if c.name.Local == "enclosure" && strings.HasPrefix(c.attribute("type"), "application/cap+xml") && c.attribute("url") != "" {
				e.Link = c.attribute("url")
			}
		}
		if e.ID == "" {
			e.ID = e.Link
		}
		f.enclosed(&e, n)
		e.Said = said(n)
		f.entry(n, e)
	}
}

// rssTimes are the forms of RFC 822 dates that feeds write.
var rssTimes = []string{time.RFC1123Z, time.RFC1123, "Mon, 2 Jan 2006 15:04:05 -0700", "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", time.RFC3339}

func (f *feedReader) edxl(root *node) {
	f.feed.Format = FormatEDXL
	text := func(name string) string { return textOf(root.child(nsEDXL, name)) }
	f.feed.ID, f.feed.Title, f.feed.Status = text("distributionID"), text("senderID"), text("distributionStatus")
	for _, name := range []string{"distributionID", "senderID", "dateTimeSent", "distributionStatus", "distributionType", "combinedConfidentiality"} { // EDXL-DE 1.0 §3.2
		if text(name) == "" {
			f.add(Wrong, root, "envelope", "EDXLDistribution", "the envelope has no %s", name)
		}
	}
	f.feed.Updated = f.moment(root.child(nsEDXL, "dateTimeSent"), "EDXLDistribution/dateTimeSent", time.RFC3339)
	if n := root.child(nsEDXL, "distributionStatus"); n != nil && !oneOf(f.feed.Status, Actual, Exercise, System, Test) {
		f.add(Wrong, n, "envelope", "EDXLDistribution/distributionStatus", "distributionStatus is %.40q, expected Actual, Exercise, System or Test", f.feed.Status)
	}
	if n := root.child(nsEDXL, "distributionType"); n != nil && !oneOf(textOf(n), "Report", "Update", "Cancel", "Request", "Response",
		"Dispatch", "Ack", "Error", "SensorConfiguration", "SensorControl", "SensorStatus", "SensorDetection") {
		f.add(Wrong, n, "envelope", "EDXLDistribution/distributionType", "distributionType %.40q is not one of EDXL-DE 1.0", textOf(n))
	}
	for _, n := range root.children {
		if n.name.Local != "contentObject" || n.name.Space != nsEDXL {
			continue
		}
		if f.full() {
			return
		}
		e := Entry{Line: n.line, container: fmt.Sprintf("EDXLDistribution/contentObject[%d]", len(f.feed.Entries)+1)}
		e.Title = textOf(n.child(nsEDXL, "contentDescription"))
		if x := n.child(nsEDXL, "xmlContent"); x != nil {
			for _, embedded := range x.children {
				if embedded.name.Local == "embeddedXMLContent" {
					f.enclosed(&e, embedded)
				}
			}
		}
		if x := n.child(nsEDXL, "nonXMLContent"); x != nil {
			e.Link = textOf(x.child(nsEDXL, "uri"))
		}
		if e.Alert != nil {
			e.ID, e.Updated = e.Alert.Identifier, e.Alert.Sent.Time
			if e.Alert.Status == Actual && f.feed.Status != Actual {
				e.Problems = append(e.Problems, Problem{Grade: Wrong, Rule: "envelope-status", Path: e.container, Line: n.line,
					Message: fmt.Sprintf("the envelope is %s and the message Actual", f.feed.Status)})
			}
		}
		f.entry(n, e)
	}
}

// enclosed reads the message inside n, as elements or as escaped text.
func (f *feedReader) enclosed(e *Entry, n *node) {
	inside := n
	var document []byte
	alert := alertIn(n)
	if alert != nil {
		document = alert.alone(f.text)
	} else if text := strings.TrimSpace(n.text.String()); n.name.Local == "content" && strings.HasPrefix(text, "<") && strings.Contains(text, "urn:oasis:names:tc:emergency:cap:") {
		root, err := parse([]byte(text), messageBounds)
		if err != nil {
			e.Problems = append(e.Problems, Problem{Grade: Wrong, Rule: "schema", Path: e.container, Line: n.line, Message: err.Error()})
			return
		}
		alert, document = root, []byte(text)
	}
	if alert == nil {
		return
	}
	if e.Alert != nil {
		e.Problems = append(e.Problems, Problem{Grade: Wrong, Rule: "feed-form", Path: e.container, Line: inside.line, Message: "more than one message in one entry"})
		return
	}
	a, problems, err := decodeAlert(alert)
	if err != nil {
		e.Problems = append(e.Problems, Problem{Grade: Wrong, Rule: "schema", Path: e.container, Line: n.line, Message: err.Error()})
		return
	}
	e.Alert, e.Document = a, document
	for _, p := range append(problems, Check(a, Receiving)...) {
		p.Path = e.container + "/" + p.Path
		if p.Line == 0 {
			p.Line = n.line
		}
		e.Problems = append(e.Problems, p)
	}
}

func alertIn(n *node) *node {
	for _, c := range n.children {
		if c.name.Local == "alert" && (versionOf(c.name.Space) != "" || strings.Contains(c.name.Space, "cap")) {
			return c
		}
	}
	return nil
}

func (f *feedReader) entry(n *node, e Entry) {
	if e.Alert == nil && e.Link == "" && len(e.Problems) == 0 {
		f.add(Doubt, n, "entry-empty", e.container, "the entry neither encloses a message nor links to one")
	}
	f.feed.Entries = append(f.feed.Entries, e)
}

// finish looks at the entries together.
func (f *feedReader) finish() {
	seen := map[string]bool{}
	for _, e := range f.feed.Entries {
		if e.ID != "" && seen[e.ID] {
			f.problems = append(f.problems, Problem{Grade: Note, Rule: "entry-twice", Path: e.container, Line: e.Line, Message: fmt.Sprintf("entry %.200q stands twice", e.ID)})
		}
		seen[e.ID] = true
	}
}

// said reads the cap: fields of an index entry, leniently: they help to choose
// which messages to fetch. Nothing is nil-safe to publish from here.
func said(n *node) *Alert {
	a := &Alert{}
	info := Info{}
	var area Area
	found := false
	for _, c := range n.children {
		version := versionOf(c.name.Space)
		if version == "" || c.name.Local == "alert" {
			continue
		}
		found, a.Version = true, version
		text := textOf(c)
		moment := func() *Time {
			if t, err := ParseTime(text, "1.1"); err == nil {
				return &t
			}
			return nil
		}
		switch c.name.Local {
		case "identifier":
			a.Identifier = text
		case "sender":
			a.Sender = text
		case "sent":
			if t := moment(); t != nil {
				a.Sent = *t
			}
		case "status":
			a.Status = text
		case "msgType":
			a.MsgType = text
		case "scope":
			a.Scope = text
		case "references":
			a.References, _ = ParseReferences(text, version)
		case "language":
			info.Language = text
		case "category":
			info.Categories = append(info.Categories, text)
		case "event":
			info.Event = text
		case "responseType":
			info.ResponseTypes = append(info.ResponseTypes, text)
		case "urgency":
			info.Urgency = text
		case "severity":
			info.Severity = text
		case "certainty":
			info.Certainty = text
		case "effective":
			info.Effective = moment()
		case "onset":
			info.Onset = moment()
		case "expires":
			info.Expires = moment()
		case "headline":
			info.Headline = text
		case "areaDesc":
			if area.Description != "" {
				area.Description += "; "
			}
			area.Description += text
		case "polygon":
			if ring, err := ParseRing(text); err == nil && ring.Check() == nil {
				area.Polygons = append(area.Polygons, ring)
			}
		case "circle":
			if circle, err := ParseCircle(text); err == nil {
				area.Circles = append(area.Circles, circle)
			}
		case "geocode":
			area.Geocodes = append(area.Geocodes, pairs(c)...)
		case "parameter":
			info.Parameters = append(info.Parameters, pairs(c)...)
		}
	}
	if !found {
		return nil
	}
	if area.Description != "" || len(area.Polygons)+len(area.Circles)+len(area.Geocodes) > 0 {
		info.Areas = []Area{area}
	}
	a.Infos = []Info{info}
	return a
}

// pairs reads names and values that follow each other, in whatever namespace an index puts them.
func pairs(n *node) []Value {
	var vs []Value
	for _, c := range n.children {
		switch {
		case c.name.Local == "valueName":
			vs = append(vs, Value{Name: textOf(c)})
		case c.name.Local == "value" && len(vs) > 0:
			vs[len(vs)-1].Value = textOf(c)
		}
	}
	return vs
}

func (f *feedReader) moment(n *node, path string, layouts ...string) time.Time {
	text := textOf(n)
	if text == "" {
		return time.Time{}
	}
	err := errors.New("no layout")
	for _, layout := range layouts {
		var t time.Time
		if t, err = time.Parse(layout, text); err == nil {
			return t
		}
	}
	f.add(Doubt, n, "feed-time", path, "%.60q is not a date and time", text)
	return time.Time{}
}

// textOf is the text of an element, none for nil.
func textOf(n *node) string {
	if n == nil {
		return ""
	}
	return strings.TrimSpace(n.text.String())
}

func oneOf(s string, allowed ...string) bool {
	for _, a := range allowed {
		if s == a {
			return true
		}
	}
	return false
}
