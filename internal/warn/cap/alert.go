package cap

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// The namespaces met in practice; Version tells them apart.
const (
	Namespace10 = "http://www.incident.com/cap/1.0"
	Namespace11 = "urn:oasis:names:tc:emergency:cap:1.1"
	Namespace12 = "urn:oasis:names:tc:emergency:cap:1.2"
)

// The values of an alert's status that rooms ask for by name.
const (
	Actual   = "Actual"
	Exercise = "Exercise"
	System   = "System"
	Test     = "Test"
	Draft    = "Draft"
)

// The kinds of message.
const (
	TypeAlert  = "Alert"
	TypeUpdate = "Update"
	TypeCancel = "Cancel"
	TypeAck    = "Ack"
	TypeError  = "Error"
)

// Whom a message is for.
const (
	Public     = "Public"
	Restricted = "Restricted"
	Private    = "Private"
)

// Alert is one CAP message. Strings hold the text as sent, without the white
// space around it where CAP gives it no meaning. The fields stand in the order
// of the schema, which is also the order on the wire.
type Alert struct {
	XMLName     xml.Name   `xml:"urn:oasis:names:tc:emergency:cap:1.2 alert"`
	Identifier  string     `xml:"identifier"`
	Sender      string     `xml:"sender"`
	Sent        Time       `xml:"sent"`
	Status      string     `xml:"status"`
	MsgType     string     `xml:"msgType"`
	Source      string     `xml:"source,omitempty"`
	Scope       string     `xml:"scope"`
	Restriction string     `xml:"restriction,omitempty"`
	Addresses   string     `xml:"addresses,omitempty"`
	Codes       []string   `xml:"code,omitempty"`
	Note        string     `xml:"note,omitempty"`
	References  References `xml:"references,omitempty"`
	Incidents   string     `xml:"incidents,omitempty"`
	Infos       []Info     `xml:"info"`
	Signatures  int        `xml:"-"` // enveloped ds:Signature elements seen by Decode, nested ones included
	Version     string     `xml:"-"` // "1.0", "1.1" or "1.2"; Encode always writes 1.2

	lines map[string]int // where each element stood, of a message out of Decode
}

// line returns where the element at the path, or else what holds it, begins; 0 when the message came from no document.
func (a *Alert) line(path string) int {
	for {
		if n, ok := a.lines[path]; ok {
			return n
		}
		i := strings.LastIndexByte(path, '/')
		if i < 0 {
			return 0
		}
		path = path[:i]
	}
}

// Info is what the message says, in one language.
type Info struct {
	Language      string     `xml:"language,omitempty"`
	Categories    []string   `xml:"category"`
	Event         string     `xml:"event"`
	ResponseTypes []string   `xml:"responseType,omitempty"`
	Urgency       string     `xml:"urgency"`
	Severity      string     `xml:"severity"`
	Certainty     string     `xml:"certainty"`
	Audience      string     `xml:"audience,omitempty"`
	EventCodes    []Value    `xml:"eventCode,omitempty"`
	Effective     *Time      `xml:"effective,omitempty"`
	Onset         *Time      `xml:"onset,omitempty"`
	Expires       *Time      `xml:"expires,omitempty"`
	SenderName    string     `xml:"senderName,omitempty"`
	Headline      string     `xml:"headline,omitempty"`
	Description   string     `xml:"description,omitempty"`
	Instruction   string     `xml:"instruction,omitempty"`
	Web           string     `xml:"web,omitempty"`
	Contact       string     `xml:"contact,omitempty"`
	Parameters    []Value    `xml:"parameter,omitempty"`
	Resources     []Resource `xml:"resource,omitempty"`
	Areas         []Area     `xml:"area,omitempty"`
}

// Value is a name and a value of a system of the sender's choice.
type Value struct {
	Name  string `xml:"valueName"`
	Value string `xml:"value"`
}

// Resource is a file that goes with the message, linked or enclosed.
type Resource struct {
	Description string `xml:"resourceDesc"`
	MIMEType    string `xml:"mimeType"`
	Size        string `xml:"size,omitempty"` // bytes
	URI         string `xml:"uri,omitempty"`
	DerefURI    string `xml:"derefUri,omitempty"` // base64
	Digest      string `xml:"digest,omitempty"`   // SHA-1, hexadecimal
}

// Area is where the message holds.
type Area struct {
	Description string   `xml:"areaDesc"`
	Polygons    []Ring   `xml:"polygon,omitempty"`
	Circles     []Circle `xml:"circle,omitempty"`
	Geocodes    []Value  `xml:"geocode,omitempty"`
	Altitude    string   `xml:"altitude,omitempty"` // feet above mean sea level
	Ceiling     string   `xml:"ceiling,omitempty"`
}

// Expires returns when the last of the message's info blocks expires; ok is
// false when one of them doesn't say.
func (a *Alert) Expires() (t time.Time, ok bool) {
	for _, info := range a.Infos {
		if info.Expires == nil {
			return time.Time{}, false
		}
		if info.Expires.After(t) {
			t = info.Expires.Time
		}
	}
	return t, len(a.Infos) > 0
}

// ForPublic says whether the message may reach the public at all: Actual and
// Public. Everything else (exercises, tests, system messages, drafts, restricted
// and private ones) must never be shown as a live warning.
func (a *Alert) ForPublic() bool { return a.Status == Actual && a.Scope == Public }

// Reference returns the name under which later messages refer to this one.
func (a *Alert) Reference() Reference {
	return Reference{Sender: a.Sender, Identifier: a.Identifier, Sent: a.Sent}
}

// Reference names an earlier message.
type Reference struct {
	Sender, Identifier string
	Sent               Time
}

func (r Reference) String() string { return r.Sender + "," + r.Identifier + "," + r.Sent.String() }

// References are the earlier messages that a message replaces, ends or answers.
type References []Reference

// MarshalText writes the references as CAP does: sender,identifier,sent, parted by spaces.
func (rs References) MarshalText() ([]byte, error) {
	parts := make([]string, len(rs))
	for i, r := range rs {
		parts[i] = r.String()
	}
	return []byte(strings.Join(parts, " ")), nil
}

// ParseReferences reads what MarshalText writes. References of CAP 1.0 were
// sender,identifier or identifier/sender; parts that name no time keep the zero Sent.
func ParseReferences(text, version string) (References, error) {
	var rs References
	for _, part := range fields(text) {
		names := strings.Split(part, ",")
		if version == "1.0" && len(names) < 3 {
			id, sender, _ := strings.Cut(part, "/")
			rs = append(rs, Reference{Sender: sender, Identifier: id})
			continue
		}
		if len(names) != 3 || names[0] == "" || names[1] == "" {
			return rs, fmt.Errorf("%q is not sender,identifier,sent", part)
		}
		sent, err := ParseTime(names[2], version)
		if err != nil {
			return rs, fmt.Errorf("%q: %w", part, err)
		}
		rs = append(rs, Reference{Sender: names[0], Identifier: names[1], Sent: sent})
	}
	return rs, nil
}

// Time is a moment with the offset it was written with. Its text follows CAP
// 1.2: seconds, an offset, and -00:00 (never Z) for UTC.
type Time struct{ time.Time }

const maxOffset = 14 * 3600 // seconds

// String returns the CAP form, such as 2026-11-23T08:30:00+08:00.
func (t Time) String() string {
	if _, offset := t.Zone(); offset == 0 {
		return t.Format("2006-01-02T15:04:05") + "-00:00"
	}
	return t.Format("2006-01-02T15:04:05-07:00")
}

// MarshalText implements encoding.TextMarshaler.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// ParseTime reads a time of the given CAP version. CAP 1.2 allows whole seconds
// and a numeric offset only; earlier versions allowed any xs:dateTime, and one
// without an offset is read as UTC.
func ParseTime(text, version string) (Time, error) {
	text = trim(text)
	if version == "1.2" && (len(text) != len("2006-01-02T15:04:05-07:00") || strings.HasSuffix(text, "Z")) {
		return Time{}, fmt.Errorf("%q is not a time as CAP 1.2 writes it (2026-11-23T08:30:00-00:00, an offset and never Z)", text)
	}
	// The schema's dateTime may end a day with 24:00:00, knows no year 0, and no offset beyond 14 hours.
	day := time.Duration(0)
	if len(text) > 19 && text[10:19] == "T24:00:00" {
		text, day = text[:11]+"00"+text[13:], 24*time.Hour
	}
	if version != "1.2" && !hasOffset(text) {
		text += "Z"
	}
	t, err := time.Parse("2006-01-02T15:04:05Z07:00", text)
	if err != nil || strings.Contains(text, ",") { // package time takes a comma before fractions
		return Time{}, fmt.Errorf("%q is not a date and time with an offset", text)
	}
	if _, offset := t.Zone(); offset > maxOffset || offset < -maxOffset || t.Year() == 0 {
		return Time{}, fmt.Errorf("%q has an offset beyond 14 hours, or a year 0", text)
	}
	return Time{t.Add(day)}, nil
}

// hasOffset says whether an xs:dateTime says where on the globe it holds.
func hasOffset(text string) bool {
	return strings.HasSuffix(text, "Z") || len(text) > 6 && text[len(text)-3] == ':' && strings.ContainsRune("+-", rune(text[len(text)-6]))
}
