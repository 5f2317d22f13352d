package cap

import (
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Grade says how much a problem weighs.
type Grade int

// The grades, by weight. A note is advice: it changes no verdict.
const (
	Note  Grade = iota
	Doubt       // take the message, and show what is wrong with it
	Wrong       // refuse the message
)

func (g Grade) String() string { return [...]string{"note", "doubt", "wrong"}[g] }

// Problem is one departure from the schema or a rule.
type Problem struct {
	Grade   Grade
	Rule    string // stable, such as "references-missing"
	Path    string // such as alert/info[1]/area[2]/polygon[1]
	Line    int    // in the document, 0 when the message did not come from one
	Message string // for people, in English
}

func (p Problem) String() string {
	if p.Line > 0 {
		return fmt.Sprintf("line %d: %s: %s [%s]", p.Line, p.Path, p.Message, p.Rule)
	}
	return fmt.Sprintf("%s: %s [%s]", p.Path, p.Message, p.Rule)
}

// Verdict is what a careful receiver does with a message that has these problems.
type Verdict string

// The verdicts.
const (
	Accept Verdict = "accept"
	Warn   Verdict = "warn" // take it, show what is wrong
	Reject Verdict = "reject"
)

// Judge returns the verdict over all problems of a message.
func Judge(problems []Problem) Verdict {
	verdict := Accept
	for _, p := range problems {
		switch p.Grade {
		case Wrong:
			return Reject
		case Doubt:
			verdict = Warn
		}
	}
	return verdict
}

// Use says on which side of the wire a message is checked.
type Use int

const (
	// Receiving holds what CAP itself demands of any sender.
	Receiving Use = iota
	// Publishing holds in addition what a city that warns its public should
	// keep: text, end, area on the map, agreement between languages. The rules
	// are those of Google's public alert profile and of WMO's CAP composer.
	Publishing
)

// Limits of a published message.
const (
	MaxHeadline = 160 // characters
	MaxEvent    = 35  // characters
)

// Check holds the rules beyond the schema. A message out of Decode has its
// schema checked there; both lists of problems together make the verdict.
func Check(a *Alert, use Use) []Problem {
	c := checker{use: use, work: compareAt}
	c.envelope(a)
	c.references(a)
	c.languages(a)
	for i := range a.Infos {
		c.info(a, fmt.Sprintf("alert/info[%d]", i+1), &a.Infos[i])
	}
	if use == Publishing {
		c.publishing(a)
	}
	for i, p := range c.problems {
		c.problems[i].Line = a.line(p.Path)
	}
	return c.problems
}

type checker struct {
	use      Use
	problems []Problem
	refused  bool
	rings    []Ring // different ones that were found sound
	points   int    // of all different ones
	work     int    // that may still be spent on comparing shapes
}

// halfGlobe is the farthest that two points lie apart, in km.
const halfGlobe = 20_040

// maxProblems bounds what is said of one message.
const maxProblems = 500

// notForUs grades what real senders get wrong without harm: a note on what is
// received, a mistake in what is published.
func (c *checker) notForUs() Grade {
	if c.use == Publishing {
		return Wrong
	}
	return Note
}

func (c *checker) add(g Grade, rule, path, format string, args ...any) {
	if len(c.problems) >= maxProblems && (g < Wrong || c.refused) {
		return
	}
	c.refused = c.refused || g == Wrong
	c.problems = append(c.problems, Problem{Grade: g, Rule: rule, Path: path, Message: fmt.Sprintf(format, args...)})
}

// envelope: CAP 1.2 §3.2.1.
func (c *checker) envelope(a *Alert) {
	for _, f := range []struct{ name, text string }{{"identifier", a.Identifier}, {"sender", a.Sender}} {
		switch {
		case f.text == "":
			c.add(Wrong, "identity", "alert/"+f.name, "%s is empty", f.name)
		case strings.ContainsAny(f.text, ",<&") || strings.ContainsFunc(f.text, unicode.IsSpace):
			c.add(Wrong, "identity", "alert/"+f.name, "%s %q must hold no space, comma, < or &", f.name, f.text)
		}
	}
	switch {
	case a.Scope == Restricted && blank(a.Restriction):
		c.add(Wrong, "restriction", "alert/restriction", "scope Restricted needs a restriction")
	case a.Scope == Private && blank(a.Addresses):
		c.add(Wrong, "addresses", "alert/addresses", "scope Private needs addresses")
	}
	if a.Scope != Restricted && !blank(a.Restriction) {
		c.add(Doubt, "restriction", "alert/restriction", "a restriction contradicts scope %s", a.Scope)
	}
	if len(a.Infos) == 0 && (a.MsgType == TypeAlert || a.MsgType == TypeUpdate) {
		c.add(Doubt, "info-missing", "alert/info", "an %s without info tells nobody anything", a.MsgType)
	}
	if a.Status == Exercise && a.Note == "" {
		c.add(Note, "exercise-note", "alert/note", "the note of an Exercise should name the exercise")
	}
	if a.MsgType == TypeError && a.Note == "" {
		c.add(Note, "error-note", "alert/note", "the note of an Error should say what is wrong")
	}
}

func (c *checker) references(a *Alert) {
	const path = "alert/references"
	switch a.MsgType {
	case TypeUpdate, TypeCancel, TypeAck, TypeError:
		if len(a.References) == 0 {
			c.add(Wrong, "references-missing", path, "%s must name the messages that it answers or replaces", a.MsgType)
		}
	}
	itself := func(r Reference) bool { return r.Identifier == a.Identifier && r.Sender == a.Sender }
	others := slices.ContainsFunc(a.References, func(r Reference) bool { return !itself(r) })
	for _, r := range a.References {
		if itself(r) {
			// Test senders do this in an Update and mean no harm; we never do. A Cancel, an Ack or an Error is nothing without the other.
			grade := c.notForUs()
			if grade == Note && !others && a.MsgType != TypeAlert && a.MsgType != TypeUpdate {
				grade = Doubt
			}
			c.add(grade, "references-self", path, "the message refers to itself")
			continue
		}
		if r.Sent.After(a.Sent.Time) {
			c.add(Doubt, "references-later", path, "the message refers to %s, which is later than itself", r.Identifier)
		}
	}
}

// languages: all info blocks agree in category, urgency, severity and certainty. Blocks of one language may part the message
// by area (CAP 1.2 §3.2.2: where their targets overlap, a later one may not override an earlier), so those that have no area
// in common, by its name, its code or on the map, get a note only. Those of another language are compared with the first language's, in their order, or where they
// are not as many, with all of them.
func (c *checker) languages(a *Alert) {
	if c.use == Publishing { // agreement is stricter there
		return
	}
	blocks := map[string][]int{}
	var order []string
	weights := make([]string, len(a.Infos)) // what must be equal, made once: a hostile message has thousands of blocks
	for i, info := range a.Infos {
		weights[i] = info.weight()
		lang := strings.ToLower(info.Language)
		if lang == "" {
			lang = "en-us"
		}
		if blocks[lang] == nil {
			order = append(order, lang)
		}
		blocks[lang] = append(blocks[lang], i)
	}
	for k, lang := range order {
		c.overridden(a, blocks[lang], weights)
		first, others := blocks[order[0]], blocks[lang]
		for at, i := range others {
			if k == 0 {
				break
			}
			if len(others) != len(first) {
				// An area may lack in a language, but what is said of one must be said in the others too.
				fewer, more := others, first
				if len(first) < len(others) {
					fewer, more = first, others
				}
				c.within(others[0], fewer, more, weights)
				break
			}
			if weights[first[at]] != weights[i] {
				c.disagree(Doubt, i, first[at], "")
			}
		}
	}
}

// overridden compares the blocks of one language.
func (c *checker) overridden(a *Alert, blocks []int, weights []string) {
	if !slices.ContainsFunc(blocks, func(i int) bool { return weights[i] != weights[blocks[0]] }) {
		return
	}
	first, other, everywhere := blocks[0], -1, -1 // other is the first that differs from the first, everywhere the first without an area
	byArea := map[string]int{}
	drawn := map[int][]shape{}
	for _, i := range blocks {
		differs := func(j int) bool { return j >= 0 && weights[j] != weights[i] }
		areas := a.Infos[i].targets()
		overlap, apart := -1, -1
		switch {
		case differs(everywhere):
			overlap = everywhere
		case len(areas) == 0 && differs(first):
			overlap = first
		case len(areas) == 0 && differs(other):
			overlap = other
		case differs(first):
			apart = first
		}
		for _, area := range areas {
			j, seen := byArea[area]
			if !seen {
				byArea[area] = i
			} else if differs(j) && overlap < 0 {
				overlap = j
			}
		}
		shapes := a.Infos[i].shapes()
		for _, j := range blocks {
			if j == i || overlap >= 0 {
				break
			}
			if c.work--; differs(j) && overlapping(drawn[j], shapes, &c.work) {
				overlap = j
			}
		}
		drawn[i] = shapes
		if overlap >= 0 {
			c.disagree(Doubt, i, overlap, ", of the same language and area")
		} else if apart >= 0 {
			c.disagree(Note, i, apart, ", of the same language and another area")
		}
		if other < 0 && differs(first) {
			other = i
		}
		if everywhere < 0 && len(areas) == 0 {
			everywhere = i
		}
	}
}

// within holds that each of fewer blocks has its like among more; at is the first block of the later language.
func (c *checker) within(at int, fewer, more []int, weights []string) {
	known := map[string]bool{}
	for _, j := range more {
		known[weights[j]] = true
	}
	for _, i := range fewer {
		if !known[weights[i]] {
			if i < at {
				c.disagree(Doubt, at, i, "")
			} else {
				c.disagree(Doubt, i, more[0], "")
			}
		}
	}
}

func (c *checker) disagree(g Grade, i, with int, how string) {
	c.add(g, "info-disagree", fmt.Sprintf("alert/info[%d]", i+1), "it disagrees with info[%d]%s, in category, urgency, severity or certainty", with+1, how)
}

// weight is equal for blocks that agree in category, urgency, severity and certainty.
func (i *Info) weight() string {
	categories := slices.Clone(i.Categories)
	slices.Sort(categories)
	return fmt.Sprintf("%q %q %q %q", i.Urgency, i.Severity, i.Certainty, slices.Compact(categories))
}

// targets names what the block is for, so that two blocks for the same have one name in common; none when it is for everywhere.
func (i *Info) targets() (names []string) {
	for _, area := range i.Areas {
		names = append(names, "area "+area.Description)
		for _, ring := range area.Polygons {
			text, _ := ring.MarshalText() // of numbers only
			names = append(names, "polygon "+string(text))
		}
		for _, circle := range area.Circles {
			text, _ := circle.MarshalText()
			names = append(names, "circle "+string(text))
		}
		for _, code := range area.Geocodes {
			names = append(names, "code "+code.Name+"="+code.Value)
		}
	}
	return names
}

// blank says that there is nothing to read, whatever the schema takes for text.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// absent notes what a careful sender would have said. It hides nothing from the
// public, so it is no doubt; Publishing demands it all.
func (c *checker) absent(path string, info *Info) {
	if blank(info.Description) {
		c.add(Note, "text-missing", path+"/description", "there is no description")
	}
	if info.Expires == nil {
		c.add(Note, "expires-missing", path+"/expires", "it doesn't say until when it holds")
	}
	if utf8.RuneCountInString(info.Headline) > MaxHeadline {
		c.add(Note, "headline-long", path+"/headline", "the headline has more than %d characters", MaxHeadline)
	}
	if len(info.Areas) == 0 {
		c.add(Note, "area-missing", path+"/area", "it doesn't say where it holds")
	}
	for j, area := range info.Areas {
		if len(area.Polygons)+len(area.Circles) == 0 {
			c.add(Note, "area-unmapped", fmt.Sprintf("%s/area[%d]", path, j+1), "the area has neither polygon nor circle")
		}
	}
}

// link doubts addresses that no console should offer to open.
func (c *checker) link(path, address string) {
	scheme, _, found := strings.Cut(strings.TrimSpace(address), ":")
	if address == "" {
		return
	}
	if !found || strings.ContainsAny(scheme, "/?#") {
		c.add(c.notForUs(), "link-relative", path, "%.100q is not a whole address", address)
		return
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "ftp", "ftps", "mailto", "tel", "urn", "geo":
	default:
		c.add(Doubt, "link-scheme", path, "%.100q is not an address to open", address)
	}
}

func (c *checker) info(a *Alert, path string, info *Info) {
	if blank(info.Event) {
		c.add(Doubt, "event-empty", path+"/event", "event is empty")
	}
	c.link(path+"/web", info.Web)
	if c.use == Receiving {
		c.absent(path, info)
	}
	begins := a.Sent
	if info.Effective != nil {
		begins = *info.Effective
	}
	ends := a.MsgType == TypeCancel || info.Urgency == "Past" || slices.Contains(info.ResponseTypes, "AllClear")
	if info.Expires != nil && !ends {
		if !info.Expires.After(begins.Time) {
			c.add(Doubt, "expires-early", path+"/expires", "it expires (%v) no later than it begins (%v)", *info.Expires, begins)
		}
		if info.Onset != nil && info.Onset.After(info.Expires.Time) {
			c.add(Doubt, "onset-late", path+"/onset", "the onset (%v) is after the end (%v)", *info.Onset, *info.Expires)
		}
	}
	for _, v := range [...]struct{ name, text string }{{"urgency", info.Urgency}, {"severity", info.Severity}, {"certainty", info.Certainty}} {
		if v.text == "Unknown" {
			c.add(Note, "unknown", path+"/"+v.name, "%s Unknown helps nobody", v.name)
		}
	}
	if looksLikeMarkup(info.Description) || looksLikeMarkup(info.Instruction) {
		c.add(Note, "markup", path+"/description", "the text holds HTML, which is shown as plain text")
	}
	for j, r := range info.Resources {
		c.resource(fmt.Sprintf("%s/resource[%d]", path, j+1), r)
	}
	for j, area := range info.Areas {
		c.area(fmt.Sprintf("%s/area[%d]", path, j+1), area)
	}
}

var markup = regexp.MustCompile(`<[a-zA-Z/][^<>]*>`)

var mimeType = regexp.MustCompile(`^[A-Za-z0-9][\w.+!#$&^-]*/[A-Za-z0-9][\w.+!#$&^-]*[ \t]*(;.*)?$`)

func looksLikeMarkup(s string) bool { return markup.MatchString(s) }

func (c *checker) resource(path string, r Resource) {
	if r.MIMEType != "" && !mimeType.MatchString(r.MIMEType) {
		c.add(Doubt, "resource-type", path+"/mimeType", "%.100q is not a type such as image/png", r.MIMEType)
	}
	if strings.HasPrefix(r.Size, "-") {
		c.add(Doubt, "resource-size", path+"/size", "size %.20s is less than nothing", r.Size)
	}
	c.link(path+"/uri", r.URI)
	if r.URI == "" && r.DerefURI == "" {
		c.add(Note, "resource-empty", path, "the resource has neither uri nor derefUri")
	}
	if r.DerefURI == "" {
		return
	}
	content, err := base64.StdEncoding.DecodeString(strings.Join(fields(r.DerefURI), ""))
	if err != nil {
		c.add(Doubt, "resource-base64", path+"/derefUri", "derefUri is not base64: %v", err)
		return
	}
	// The standard leaves open whether the digest is over the file or over its
	// base64 text; both are met (Environment Canada takes the text).
	if want, err := hex.DecodeString(r.Digest); err == nil && len(want) == sha1.Size {
		file, text := sha1.Sum(content), sha1.Sum([]byte(r.DerefURI))
		if !bytes.Equal(want, file[:]) && !bytes.Equal(want, text[:]) {
			c.add(Doubt, "resource-digest", path+"/digest", "the enclosed file does not match its digest")
		}
	}
}

func (c *checker) area(path string, a Area) {
	if blank(a.Description) {
		c.add(Doubt, "area-empty", path+"/areaDesc", "areaDesc is empty")
	}
	for k, ring := range a.Polygons {
		if slices.ContainsFunc(c.rings, func(r Ring) bool { return slices.Equal(r, ring) }) {
			continue // each language names the same places
		}
		if c.points += len(ring); c.points > maxPoints {
			c.add(Wrong, "polygon", fmt.Sprintf("%s/polygon[%d]", path, k+1), "the polygons have more than %d points together", maxPoints)
			break
		}
		if err := ring.Check(); err != nil {
			c.add(Wrong, "polygon", fmt.Sprintf("%s/polygon[%d]", path, k+1), "%v", err)
			continue
		}
		c.rings = append(c.rings, ring)
	}
	shapes := shapesOf(a.Polygons)
	for k := range shapes { // CAP has no holes: what lies in another polygon of the area is warned too
		if o := around(shapes, k, &c.work); o >= 0 {
			c.add(Doubt, "polygon-inside", fmt.Sprintf("%s/polygon[%d]", path, k+1), "the polygon lies in polygon[%d] of the same area; if it is meant as a hole, there are none in CAP", o+1)
			break
		}
	}
	for k, circle := range a.Circles {
		if circle.Centre.check() != nil || !(circle.Radius >= 0) || math.IsInf(circle.Radius, 0) {
			c.add(Wrong, "circle", fmt.Sprintf("%s/circle[%d]", path, k+1), "%v is not a circle on the globe", circle)
		} else if circle.Radius > halfGlobe {
			c.add(Doubt, "circle", fmt.Sprintf("%s/circle[%d]", path, k+1), "a radius of %v km goes round the globe", circle.Radius)
		}
	}
	if a.Ceiling != "" && a.Altitude == "" {
		c.add(Doubt, "ceiling", path+"/ceiling", "ceiling needs an altitude")
	}
	low, err1 := strconv.ParseFloat(a.Altitude, 64)
	high, err2 := strconv.ParseFloat(a.Ceiling, 64)
	if err1 == nil && err2 == nil && high < low {
		c.add(Doubt, "ceiling", path+"/ceiling", "the ceiling (%s) is under the altitude (%s)", a.Ceiling, a.Altitude)
	}
}

// publishing holds what goes out under our own name.
func (c *checker) publishing(a *Alert) {
	if a.Version != "" && a.Version != "1.2" {
		c.add(Wrong, "version", "alert", "only CAP 1.2 is published")
	}
	if a.MsgType == TypeAck || a.MsgType == TypeError {
		c.add(Wrong, "type", "alert/msgType", "%s is not for publishing", a.MsgType)
	}
	if len(a.Infos) == 0 && a.MsgType != TypeCancel {
		c.add(Wrong, "info-missing", "alert/info", "at least one info is needed")
	}
	for i := range a.Infos {
		info, path := &a.Infos[i], fmt.Sprintf("alert/info[%d]", i+1)
		for _, f := range [...]struct{ name, text string }{
			{"language", info.Language}, {"event", info.Event}, {"senderName", info.SenderName},
			{"headline", info.Headline}, {"description", info.Description},
		} {
			if blank(f.text) {
				c.add(Wrong, "text-missing", path+"/"+f.name, "%s is missing", f.name)
			}
		}
		if n := utf8.RuneCountInString(info.Headline); n > MaxHeadline {
			c.add(Wrong, "headline-long", path+"/headline", "the headline has %d characters, at most %d fit", n, MaxHeadline)
		}
		if n := utf8.RuneCountInString(info.Event); n > MaxEvent {
			c.add(Wrong, "event-long", path+"/event", "the event has %d characters, at most %d fit", n, MaxEvent)
		}
		if info.Headline != "" && info.Headline == info.Description {
			c.add(Wrong, "text-same", path+"/description", "the description must say more than the headline")
		}
		if info.Expires == nil {
			c.add(Wrong, "expires-missing", path+"/expires", "expires is missing")
		}
		if info.Urgency == "Unknown" || info.Severity == "Unknown" || info.Certainty == "Unknown" {
			c.add(Wrong, "unknown", path, "urgency, severity and certainty must be known")
		}
		if len(info.Areas) == 0 {
			c.add(Wrong, "area-missing", path+"/area", "at least one area is needed")
		}
		for j, area := range info.Areas {
			at := fmt.Sprintf("%s/area[%d]", path, j+1)
			if len(area.Polygons)+len(area.Circles) == 0 {
				c.add(Wrong, "area-unmapped", at, "an area needs a polygon or a circle; a geocode alone is not enough")
			}
			for k, ring := range area.Polygons {
				if len(ring) > MaxPoints {
					c.add(Wrong, "polygon-long", fmt.Sprintf("%s/polygon[%d]", at, k+1), "the polygon has %d points, at most %d fit", len(ring), MaxPoints)
				}
			}
		}
		c.agreement(path, &a.Infos[0], info)
		for j := range i {
			if strings.EqualFold(a.Infos[j].Language, info.Language) {
				c.add(Wrong, "language-twice", path+"/language", "language %s stands twice", info.Language)
			}
		}
	}
	// What is a doubt in others' messages is a mistake in our own.
	for i, p := range c.problems {
		if p.Grade == Doubt {
			c.problems[i].Grade = Wrong
		}
	}
}

// agreement: info blocks of one message differ in language only.
func (c *checker) agreement(path string, first, info *Info) {
	if !slices.Equal(first.Categories, info.Categories) || first.Urgency != info.Urgency ||
		first.Severity != info.Severity || first.Certainty != info.Certainty ||
		!slices.Equal(first.ResponseTypes, info.ResponseTypes) || !slices.Equal(first.EventCodes, info.EventCodes) {
		c.add(Wrong, "info-disagree", path, "the info blocks must agree in category, urgency, severity, certainty, response and event code")
	}
	for _, pair := range [][2]*Time{{first.Onset, info.Onset}, {first.Expires, info.Expires}, {first.Effective, info.Effective}} {
		if (pair[0] == nil) != (pair[1] == nil) || pair[0] != nil && !pair[0].Equal(pair[1].Time) {
			c.add(Wrong, "info-disagree", path, "the info blocks must agree in effective, onset and expires")
		}
	}
}
