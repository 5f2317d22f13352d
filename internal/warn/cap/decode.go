package cap

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// Decode reads one message of CAP 1.0, 1.1 or 1.2. The error says that this is
// not a CAP message at all, or exceeds the bounds; the problems say where it
// departs from its schema, by line. A message with a problem of grade Wrong is
// to be refused, whatever Check says of the rest.
func Decode(r io.Reader) (*Alert, []Problem, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read CAP message: %w", err)
	}
	root, err := parse(data, messageBounds)
	if err != nil {
		return nil, nil, err
	}
	return decodeAlert(root)
}

// decodeAlert reads a message out of its element.
func decodeAlert(root *node) (*Alert, []Problem, error) {
	version := versionOf(root.name.Space)
	if version == "" || root.name.Local != "alert" {
		return nil, nil, &documentError{root.line, fmt.Errorf("expected a CAP alert, found element %.100q of namespace %.100q", root.name.Local, root.name.Space)}
	}
	d := decoder{version: version, namespace: root.name.Space}
	d.lines = map[string]int{"alert": root.line}
	a := d.alert(root)
	a.Version, a.lines = version, d.lines
	return a, d.problems, nil
}

// versionOf names the CAP version of a namespace, "" for any other.
func versionOf(namespace string) string {
	switch namespace {
	case Namespace10:
		return "1.0"
	case Namespace11:
		return "1.1"
	case Namespace12:
		return "1.2"
	}
	return ""
}

// decoder walks the tree along the schema and notes each departure.
type decoder struct {
	version   string
	namespace string
	problems  []Problem
	refused   bool
	lines     map[string]int // of each element that has a path
}

// element is one line of the schema: its name, how often it may stand, and
// where its value goes.
type element struct {
	name     string
	min, max int
	read     func(*node)
}

const many = 1 << 30

func (d *decoder) wrong(n *node, rule, format string, args ...any) {
	if d.refused && len(d.problems) >= maxProblems {
		return
	}
	d.refused = true
	d.problems = append(d.problems, Problem{Grade: Wrong, Rule: rule, Path: n.path, Line: n.line, Message: fmt.Sprintf(format, args...)})
}

// doubt is for what the schema takes and a rule on the text as written doesn't; Check sees only what was read.
func (d *decoder) doubt(n *node, rule, format string, args ...any) {
	if len(d.problems) >= maxProblems {
		return
	}
	d.problems = append(d.problems, Problem{Grade: Doubt, Rule: rule, Path: n.path, Line: n.line, Message: fmt.Sprintf(format, args...)})
}

func (d *decoder) alert(root *node) *Alert {
	a := &Alert{}
	root.path = "alert"
	d.plain(root)
	legacy := d.version == "1.0"
	scopeMin := 1
	if legacy {
		scopeMin = 0
		a.Scope = Public
	}
	sequence := []element{
		{"identifier", 1, 1, d.name(&a.Identifier)},
		{"sender", 1, 1, d.name(&a.Sender)},
		{"sent", 1, 1, func(n *node) {
			if t := d.time(n); t != nil {
				a.Sent = *t
			}
		}},
		{"status", 1, 1, d.oneOf(&a.Status, statuses)},
		{"msgType", 1, 1, d.oneOf(&a.MsgType, msgTypes)},
		{"source", 0, 1, d.into(&a.Source)},
		{"scope", scopeMin, 1, d.oneOf(&a.Scope, scopes)},
		{"restriction", 0, 1, d.into(&a.Restriction)},
		{"addresses", 0, 1, d.into(&a.Addresses)},
		{"code", 0, many, d.each(&a.Codes)},
		{"note", 0, 1, d.into(&a.Note)},
		{"references", 0, 1, func(n *node) {
			var err error
			if a.References, err = ParseReferences(d.leaf(n), d.version); err == nil {
				return
			}
			// What an Alert names is history; what an Update or Cancel names, it ends.
			if a.MsgType == TypeAlert {
				d.doubt(n, "references-form", "references: %v", err)
				return
			}
			d.wrong(n, "references-form", "references: %v", err)
		}},
		{"incidents", 0, 1, d.into(&a.Incidents)},
		{"info", 0, many, func(n *node) { a.Infos = append(a.Infos, d.info(n)) }},
	}
	if legacy {
		sequence = append(sequence, element{"password", 0, 1, func(*node) {}})
	}
	// Signatures stand at the end by the schema, each one skipped whole.
	kept := root.children[:0:0]
	for _, c := range root.children {
		if c.name.Space == nsSignature {
			a.Signatures += countSignatures(c)
			c.path = "alert/" + c.name.Local
			if d.lines[c.path] == 0 {
				d.lines[c.path] = c.line
			}
			if c.name.Local == "Signature" && (c.child(nsSignature, "SignedInfo") == nil || c.child(nsSignature, "SignatureValue") == nil) {
				d.doubt(c, "signature", "the signature signs nothing: it has no SignedInfo or no SignatureValue")
			}
			continue
		}
		if a.Signatures > 0 && !legacy {
			d.wrong(c, "schema", "element %s stands after the signature", c.name.Local)
		}
		kept = append(kept, c)
	}
	root.children = kept
	d.walk(root, sequence)
	return a
}

func countSignatures(n *node) int {
	count := 0
	if n.name.Local == "Signature" {
		count++
	}
	for _, c := range n.children {
		count += countSignatures(c)
	}
	return count
}

func (d *decoder) info(n *node) Info {
	var i Info
	d.walk(n, []element{
		{"language", 0, 1, func(n *node) {
			i.Language = trim(d.leaf(n))
			if !languageTag.MatchString(i.Language) && i.Language != "" { // empty is the schema's default, en-US
				d.wrong(n, "schema", "%q is not a language tag such as zh-CN", i.Language)
			}
		}},
		{"category", d.since11(1), many, d.eachOf(&i.Categories, categories)},
		{"event", 1, 1, d.into(&i.Event)},
		{"responseType", 0, many, d.eachOf(&i.ResponseTypes, responseTypes)},
		{"urgency", 1, 1, d.oneOf(&i.Urgency, urgencies)},
		{"severity", 1, 1, d.oneOf(&i.Severity, severities)},
		{"certainty", 1, 1, func(n *node) {
			if text := n.text.String(); d.version != "1.2" && text == "Very Likely" {
				i.Certainty = "Likely" // CAP 1.1 and 1.2 tell receivers to read the old value so
				return
			}
			d.oneOf(&i.Certainty, certainties)(n)
		}},
		{"audience", 0, 1, d.into(&i.Audience)},
		{"eventCode", 0, many, d.values(&i.EventCodes)},
		{"effective", 0, 1, func(n *node) { i.Effective = d.time(n) }},
		{"onset", 0, 1, func(n *node) { i.Onset = d.time(n) }},
		{"expires", 0, 1, func(n *node) { i.Expires = d.time(n) }},
		{"senderName", 0, 1, d.into(&i.SenderName)},
		{"headline", 0, 1, d.into(&i.Headline)},
		{"description", 0, 1, d.into(&i.Description)},
		{"instruction", 0, 1, d.into(&i.Instruction)},
		{"web", 0, 1, d.address(&i.Web)},
		{"contact", 0, 1, d.into(&i.Contact)},
		{"parameter", 0, many, d.values(&i.Parameters)},
		{"resource", 0, many, func(n *node) { i.Resources = append(i.Resources, d.resource(n)) }},
		{"area", 0, many, func(n *node) { i.Areas = append(i.Areas, d.area(n)) }},
	})
	return i
}

func (d *decoder) resource(n *node) Resource {
	var r Resource
	d.walk(n, []element{
		{"resourceDesc", 1, 1, d.into(&r.Description)},
		{"mimeType", d.since12(1), 1, d.into(&r.MIMEType)},
		{"size", 0, 1, d.matching(&r.Size, integer, "a whole number")},
		{"uri", 0, 1, d.address(&r.URI)},
		{"derefUri", 0, 1, d.into(&r.DerefURI)},
		{"digest", 0, 1, d.into(&r.Digest)},
	})
	return r
}

func (d *decoder) area(n *node) Area {
	var a Area
	d.walk(n, []element{
		{"areaDesc", 1, 1, d.into(&a.Description)},
		{"polygon", 0, many, func(n *node) {
			ring, err := ParseRing(d.leaf(n))
			if err != nil {
				d.wrong(n, "polygon", "%v", err)
			} else if len(ring) > 0 {
				a.Polygons = append(a.Polygons, ring)
			} else {
				d.doubt(n, "polygon", "the polygon is empty")
			}
		}},
		{"circle", 0, many, func(n *node) {
			text := d.leaf(n)
			if trim(text) == "" {
				d.doubt(n, "circle", "the circle is empty")
				return
			}
			circle, err := ParseCircle(text)
			if err != nil {
				d.wrong(n, "circle", "%v", err)
				return
			}
			a.Circles = append(a.Circles, circle)
		}},
		{"geocode", 0, many, d.values(&a.Geocodes)},
		{"altitude", 0, 1, d.matching(&a.Altitude, decimal, "a decimal number")},
		{"ceiling", 0, 1, d.matching(&a.Ceiling, decimal, "a decimal number")},
	})
	return a
}

// walk reads the children of n along the sequence, which fixes their order too
// (that of CAP 1.0 was never kept by its senders and isn't checked).
func (d *decoder) walk(n *node, sequence []element) {
	index := make(map[string]int, len(sequence))
	for i, e := range sequence {
		index[e.name] = i
	}
	counts := make([]int, len(sequence))
	last := 0
	for _, c := range n.children {
		c.path = n.path + "/" + c.name.Local
		d.plain(c)
		i, known := index[c.name.Local]
		if !known || c.name.Space != d.namespace {
			d.wrong(c, "schema", "element %s is not part of %s", c.name.Local, n.name.Local)
			continue
		}
		e := sequence[i]
		counts[i]++
		if e.max > 1 {
			c.path = fmt.Sprintf("%s[%d]", c.path, counts[i])
		}
		d.lines[c.path] = c.line
		if counts[i] > e.max {
			d.wrong(c, "schema", "element %s stands more than once", e.name)
			continue
		}
		if i < last && d.version != "1.0" {
			d.wrong(c, "schema", "element %s must stand before %s", e.name, sequence[last].name)
		}
		last = max(last, i)
		e.read(c)
	}
	for i, e := range sequence {
		if counts[i] < e.min {
			d.wrong(n, "schema", "%s has no %s", n.name.Local, e.name)
		}
	}
	if trim(n.text.String()) != "" {
		d.wrong(n, "schema", "text between the elements of %s", n.name.Local)
	}
}

// plain holds that the element has no attributes: CAP has none. Where the schema lies may be said on any, and of a value that
// it is of the type that it has anyway.
func (d *decoder) plain(n *node) {
	for _, a := range n.attributes {
		if isDeclaration(a) || a.Name.Space == nsXSI && (a.Name.Local == "schemaLocation" || a.Name.Local == "noNamespaceSchemaLocation") {
			continue
		}
		if a.Name.Space == nsXSI && a.Name.Local == "type" && n.qualified(a.Value) == (xml.Name{Space: nsXSD, Local: typeOf(n.name.Local)}) {
			continue
		}
		if d.version != "1.0" {
			d.wrong(n, "schema", "%s has an attribute %.60s", n.name.Local, a.Name.Local)
		}
	}
}

// typeOf names the built-in type that the schema gives an element, none where its type has no name.
func typeOf(element string) string {
	switch element {
	case "identifier", "sender", "source", "restriction", "addresses", "code", "note", "references", "incidents",
		"event", "audience", "senderName", "headline", "description", "instruction", "contact", "valueName", "value",
		"resourceDesc", "mimeType", "derefUri", "digest", "areaDesc", "polygon", "circle":
		return "string"
	case "language":
		return "language"
	case "web", "uri":
		return "anyURI"
	case "size":
		return "integer"
	case "altitude", "ceiling":
		return "decimal"
	}
	return ""
}

// leaf returns the element's text; elements inside text are a departure.
func (d *decoder) leaf(n *node) string {
	if len(n.children) > 0 {
		d.wrong(n, "schema", "%s holds text only", n.name.Local)
	}
	return n.text.String()
}

func (d *decoder) into(s *string) func(*node) {
	return func(n *node) { *s = trim(d.leaf(n)) }
}

// name reads an identifier or sender, which holds no space, at its ends neither.
func (d *decoder) name(s *string) func(*node) {
	return func(n *node) {
		text := d.leaf(n)
		if *s = trim(text); *s != text && *s != "" {
			d.doubt(n, "identity", "%s has white space around it, which is left out", n.name.Local)
		}
	}
}

func (d *decoder) each(s *[]string) func(*node) {
	return func(n *node) {
		if text := trim(d.leaf(n)); text != "" {
			*s = append(*s, text)
		}
	}
}

// oneOf compares without trimming, as the schema does for its enumerations.
func (d *decoder) oneOf(s *string, allowed []string) func(*node) {
	return func(n *node) {
		*s = d.leaf(n)
		for _, a := range allowed {
			if *s == a {
				return
			}
		}
		d.wrong(n, "schema", "%s is %q, expected one of %s", n.name.Local, *s, strings.Join(allowed, ", "))
	}
}

func (d *decoder) eachOf(s *[]string, allowed []string) func(*node) {
	return func(n *node) {
		var one string
		d.oneOf(&one, allowed)(n)
		*s = append(*s, one)
	}
}

func (d *decoder) matching(s *string, pattern *regexp.Regexp, what string) func(*node) {
	return func(n *node) {
		*s = trim(d.leaf(n))
		if !pattern.MatchString(*s) {
			d.wrong(n, "schema", "%s is %q, expected %s", n.name.Local, *s, what)
		}
	}
}

// address holds what xs:anyURI does, which is little: a scheme that is one, and whole percent escapes.
func (d *decoder) address(s *string) func(*node) {
	return func(n *node) {
		*s = trim(d.leaf(n))
		first, _, _ := strings.Cut(*s, "/")
		if i := strings.IndexAny(first, ":?#"); i >= 0 && first[i] == ':' && !scheme.MatchString(first[:i]) || badEscape.MatchString(*s) {
			d.wrong(n, "schema", "%s is %.100q, which is not an address", n.name.Local, *s)
		}
	}
}

func (d *decoder) time(n *node) *Time {
	text := d.leaf(n)
	if trim(text) == "" && d.version == "1.0" {
		return nil
	}
	t, err := ParseTime(text, d.version)
	if err != nil {
		d.wrong(n, "schema", "%s: %v", n.name.Local, err)
		return nil
	}
	if !hasOffset(trim(text)) {
		d.doubt(n, "time-offset", "%s is %q without an offset, which is read as UTC", n.name.Local, trim(text))
	}
	return &t
}

// values reads a valueName and value pair; CAP 1.0 wrote "name=value".
func (d *decoder) values(vs *[]Value) func(*node) {
	return func(n *node) {
		var v Value
		if d.version == "1.0" && len(n.children) == 0 {
			v.Name, v.Value, _ = strings.Cut(trim(n.text.String()), "=")
		} else {
			d.walk(n, []element{
				{"valueName", 1, 1, d.into(&v.Name)},
				{"value", 1, 1, d.into(&v.Value)},
			})
		}
		*vs = append(*vs, v)
	}
}

func (d *decoder) since11(n int) int {
	if d.version == "1.0" {
		return 0
	}
	return n
}

func (d *decoder) since12(n int) int {
	if d.version == "1.2" {
		return n
	}
	return 0
}

// The enumerations of the schema.
var (
	statuses      = []string{Actual, Exercise, System, Test, Draft}
	msgTypes      = []string{TypeAlert, TypeUpdate, TypeCancel, TypeAck, TypeError}
	scopes        = []string{Public, Restricted, Private}
	categories    = []string{"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}
	responseTypes = []string{"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"}
	urgencies     = []string{"Immediate", "Expected", "Future", "Past", "Unknown"}
	severities    = []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"}
	certainties   = []string{"Observed", "Likely", "Possible", "Unlikely", "Unknown"}
)

var (
	languageTag = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)
	scheme      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*$`)
	badEscape   = regexp.MustCompile(`%($|.$|[^0-9A-Fa-f]|.[^0-9A-Fa-f])`)
	integer     = regexp.MustCompile(`^[+-]?[0-9]+$`)
	decimal     = regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)$`)
)
