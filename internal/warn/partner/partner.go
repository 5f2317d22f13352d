package partner

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// How often a partner is read, in seconds.
const (
	DefaultEvery = 60
	LeastEvery   = 30
	MostEvery    = 24 * 3600
)

// By what a message is trusted.
const (
	ByTransport = "transport" // whoever answers at the partner's address
	BySignature = "signed"    // its signature verifies against the pinned certificate or key
)

// What a partner's feed is about.
const (
	CoversCity  = "city"  // this city alone: every message concerns it
	CoversWider = "wider" // more than this city: only what can be placed here does
)

// Registration is a partner as an administrator describes it.
type Registration struct {
	Title   page.Text `json:"title"`
	URL     string    `json:"url" maxLength:"2000" doc:"where its feed is: Atom, RSS, EDXL-DE, or one CAP message"`
	Service string    `json:"service" enum:"weather,marine,seismology,other"`
	Every   int       `json:"every,omitempty" minimum:"30" maximum:"86400" doc:"seconds between two polls; 60 when absent. A partner that asks for less often is read less often"`
	Trust   string    `json:"trust,omitempty" enum:"transport,signed" doc:"signed: a message counts only if its signature verifies against what is pinned; transport (the default): whoever answers at the address is believed"`
	Pinned  string    `json:"pinned,omitempty" maxLength:"20000" doc:"PEM of the partner's certificate or public key; needed where trust is signed"`
	Covers  string    `json:"covers,omitempty" enum:"city,wider" doc:"city: every message concerns the city; wider (the default): only what can be placed in it"`
	// Events tell apart what the partner and the city call differently.
	Events map[string]string `json:"events,omitempty" doc:"the partner's word for an event, or value of an eventCode -> id of a hazard"`
	Hosts  []string          `json:"hosts,omitempty" maxItems:"10" doc:"further hosts, such as cap.example:8443, from which its documents may be fetched; the feed's own always may"`
	Active *bool             `json:"active,omitempty" doc:"whether it is read; true when absent"`
}

func (r *Registration) complete() {
	set := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	set(&r.Trust, ByTransport)
	set(&r.Covers, CoversWider)
	if r.Every == 0 {
		r.Every = DefaultEvery
	}
	if r.Active == nil {
		yes := true
		r.Active = &yes
	}
	r.URL = strings.TrimSpace(r.URL)
	r.Title.English, r.Title.Chinese = strings.TrimSpace(r.Title.English), strings.TrimSpace(r.Title.Chinese)
}

// check says what is wrong with a registration that is complete. known are the hazards.
func (r *Registration) check(known []Hazard, verifier Verifier) error {
	bad := func(at, format string, args ...any) error {
		return web.Errorf(422, "partner.invalid", format, args...).At(at)
	}
	if r.Title.English == "" && r.Title.Chinese == "" {
		return bad("title", "a partner needs a title in one of the two languages")
	}
	if utf8.RuneCountInString(r.Title.English) > 120 || utf8.RuneCountInString(r.Title.Chinese) > 120 {
		return bad("title", "the title has more than 120 characters")
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || len(r.URL) > 2000 {
		return bad("url", "%q is not an address such as https://cap.example/feed.atom", cut(r.URL, 200))
	}
	if u.User != nil {
		return bad("url", "an address with a password in it would stand in logs; expected one without")
	}
	if !slices.Contains([]string{"weather", "marine", "seismology", "other"}, r.Service) {
		return bad("service", "service %q is not one of weather, marine, seismology, other", r.Service)
	}
	if r.Every < LeastEvery || r.Every > MostEvery {
		return bad("every", "every %d: expected %d to %d seconds", r.Every, LeastEvery, MostEvery)
	}
	if r.Covers != CoversCity && r.Covers != CoversWider {
		return bad("covers", "covers %q is not one of city, wider", r.Covers)
	}
	switch r.Trust {
	case ByTransport:
	case BySignature:
		if strings.TrimSpace(r.Pinned) == "" {
			return bad("pinned", "trust signed needs the partner's certificate or public key as PEM")
		}
	default:
		return bad("trust", "trust %q is not one of transport, signed", r.Trust)
	}
	if strings.TrimSpace(r.Pinned) != "" {
		if err := verifier.Pinnable(r.Title.In("en"), []byte(r.Pinned)); err != nil {
			return bad("pinned", "what is pinned can't be read: %v", err)
		}
	}
	if len(r.Events) > 500 {
		return bad("events", "more than 500 events")
	}
	for word, id := range r.Events {
		if strings.TrimSpace(word) == "" || utf8.RuneCountInString(word) > 200 {
			return bad("events", "a partner's word has 1 to 200 characters, %q has not", cut(word, 50))
		}
		if !slices.ContainsFunc(known, func(h Hazard) bool { return h.ID == id }) {
			return bad("events."+word, "hazard %q is not known", id)
		}
	}
	for i, h := range r.Hosts {
		if x, err := url.Parse("//" + h); err != nil || x.Host != h || x.Hostname() == "" || x.User != nil {
			return bad(fmt.Sprintf("hosts[%d]", i), "%q is not a host such as cap.example or cap.example:8443", h)
		}
	}
	return nil
}

// Partner is a service whose warnings are taken in, with how reading it goes.
type Partner struct {
	ID int64
	Registration
	revision     int64
	AddedAt      time.Time
	ETag         string
	LastModified string
	NextAt       time.Time
	LastOKAt     *time.Time
	LastError    string
	Failures     int // in a row
}

func (p *Partner) every() time.Duration { return time.Duration(p.Every) * time.Second }

// fetchable says whether a document may be fetched from u: from the feed's own host or one that the administrator listed, and by
// https where the feed is.
func (p *Partner) fetchable(u *url.URL) error {
	feed, err := url.Parse(p.URL)
	if err != nil {
		return err
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%s is no address on the web", cut(u.String(), 200))
	case feed.Scheme == "https" && u.Scheme != "https":
		return fmt.Errorf("%s: the feed is read by https, and so is all that it links", cut(u.String(), 200))
	case u.User != nil:
		return fmt.Errorf("the address of %s holds a password", u.Host)
	case !strings.EqualFold(u.Host, feed.Host) && !slices.ContainsFunc(p.Hosts, func(h string) bool { return strings.EqualFold(h, u.Host) }):
		return fmt.Errorf("%s is neither the feed's host nor one that the administrator has listed", cut(u.Host, 200))
	}
	return nil
}

// cut is s with at most n characters.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}
