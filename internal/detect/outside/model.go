package outside

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/detect"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// State is how far a model may go.
type State string

// The states of a model.
const (
	Draft   State = "draft"   // registered; not asked
	Shadow  State = "shadow"  // asked and scored; nobody is told
	Live    State = "live"    // its alerts are alerts
	Retired State = "retired" // not asked any more; its figures stay
)

// Bounds of a registration.
const (
	MaxSeries      = 1000 // that a model is asked about
	minEvery       = 10 * time.Second
	maxEvery       = 24 * time.Hour
	maxHistory     = 31 * 24 * time.Hour
	maxHorizon     = 15 * 24 * time.Hour
	defaultHistory = 24 * time.Hour
	defaultHorizon = 6 * time.Hour
	defaultTimeout = 30 * time.Second
	minTimeout     = time.Second
	maxTimeout     = 2 * time.Minute
	maxText        = 500 // characters
)

// SecretPrefix begins the names of environment variables that hold secrets of models. Others can't be named: a registration
// must not be a way to read the server's environment.
const SecretPrefix = "ANLAN_MODEL_"

// Registration is a model as an administrator registers it.
type Registration struct {
	Name   string         `json:"name" doc:"lower-case words joined by hyphens; its detector is called outside/NAME"`
	Title  detect.Wording `json:"title" doc:"what its alerts are called"`
	Source string         `json:"source" doc:"who made it, and where it is described"`
	Owner  string         `json:"owner,omitempty" doc:"the post that answers for its alerts, and whose alarm load they count to; outside where it is left out" example:"flood-duty"`
	URL    string         `json:"url" doc:"where it is asked; https, or http without a secret"`
	Secret *Secret        `json:"secret,omitempty" doc:"the header by which the model knows us"`
	// Version is the one that is wanted. Once the model is live it is the one that was approved.
	Version string `json:"version,omitempty" doc:"the version that is wanted; left out: any"`

	Property    string   `json:"property,omitempty" doc:"either this with kinds: all that observes it" example:"flood/level"`
	Kinds       []string `json:"kinds,omitempty" doc:"kinds of asset" example:"flood/gauge"`
	Datastreams []int64  `json:"datastreams,omitempty" doc:"or these"`

	Every   string   `json:"every" doc:"how often it is asked: 10s to 24h" example:"5m"`
	History string   `json:"history,omitempty" doc:"how much of each series it is given; 24h where it is left out, at most 31d" example:"24h"`
	Horizon string   `json:"horizon,omitempty" doc:"how far ahead it looks: an event that begins so soon after a score is what it meant; 6h where it is left out" example:"6h"`
	Timeout string   `json:"timeout,omitempty" doc:"how long it may take to answer; 30s where it is left out, at most 2m"`
	Share   []string `json:"share,omitempty" enum:"names,points" doc:"what it is told beside readings: names of assets and places, or points"`

	Levels map[string]Level `json:"levels,omitempty" doc:"as a detector's: blue, yellow, orange, red, each with a condition on value, the score; left out: it only forecasts"`
	Clear  *Clear           `json:"clear,omitempty" doc:"what ends its alert"`
	Opens  *Opens           `json:"opens,omitempty" doc:"the kind of case that its alerts open once it is live; cases of that kind count as events when it is scored"`
}

// Secret is a header whose value stands in the server's environment.
type Secret struct {
	Header string `json:"header" example:"Authorization"`
	Env    string `json:"env" doc:"name of the environment variable that holds the header's value; it begins with ANLAN_MODEL_"`
}

// Level is one level of the rule.
type Level struct {
	When   string `json:"when" example:"value >= 0.7"`
	For    string `json:"for,omitempty" example:"10m"`
	Within string `json:"within,omitempty"`
}

// Clear is what ends an alert.
type Clear struct {
	When string `json:"when" example:"value < 0.5"`
	For  string `json:"for" example:"30m"`
}

// Opens is the case of an alert.
type Opens struct {
	Case string `json:"case" example:"gas-leak"`
	From string `json:"from" doc:"the lowest level that opens it"`
}

// Model is a registered model.
type Model struct {
	ID           int64
	Registration Registration
	State        State
	RegisteredAt time.Time
	RegisteredBy string
	MovedAt      time.Time // into its state
	ShadowAt     *time.Time
	LiveAt       *time.Time
	ApprovedBy   string // of a live model
	Approved     string // the version that it went live with
	Version      string // that it answered with last
	AnsweredAt   *time.Time
	Fails        int // in a row
	Fault        string

	registeredByID, approvedByID      int64
	idsKey                            []byte
	every, history, horizon, patience time.Duration
}

// detectorID is the id under which the model raises alerts.
func (m *Model) detectorID() string { return detect.OutsidePrefix + m.Registration.Name }

// maturity is that of every model of others: none counts as stable.
const maturity = "trial"

// owner is the post that answers for the model's alerts.
func (r *Registration) owner() string { return cmp.Or(r.Owner, "outside") }

// wanted is the version that an answer must have, or "".
func (m *Model) wanted() string {
	if m.State == Live {
		return m.Approved
	}
	return m.Registration.Version
}

// shares says whether the model is told something beside readings.
func (m *Model) shares(what string) bool { return slices.Contains(m.Registration.Share, what) }

var (
	names    = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	envNames = regexp.MustCompile(`^` + SecretPrefix + `[A-Z0-9_]+$`)
	versions = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}$`)
)

// check completes a registration, or says what is wrong with it. cases are the kinds of case that there are.
func (r Registration) check(cases []string) (Registration, error) {
	bad := func(field, code, format string, args ...any) (Registration, error) {
		return r, web.Errorf(http.StatusUnprocessableEntity, "model."+code, format, args...).At(field)
	}
	if len(r.Name) > 40 || !names.MatchString(r.Name) {
		return bad("name", "bad_name", "%q is no name; expected lower-case words of a-z and 0-9 joined by hyphens, at most 40 characters", r.Name)
	}
	for field, text := range map[string]*string{"title.en": &r.Title.EN, "title.zh-CN": &r.Title.ZH, "source": &r.Source} {
		*text = strings.TrimSpace(*text)
		if n := utf8.RuneCountInString(*text); n == 0 || n > maxText || strings.ContainsAny(*text, "\x00\n\r{}") {
			return bad(field, "bad_text", "expected one line of 1 to %d characters without braces", maxText)
		}
		*text = guard.Mask(*text) // here, since the ledger forgets nothing
	}
	if r.Owner != "" && (!names.MatchString(r.Owner) || len(r.Owner) > 40) {
		return bad("owner", "bad_name", "%q is no post; expected lower-case words of a-z and 0-9 joined by hyphens, at most 40 characters", r.Owner)
	}
	if err := checkURL(r.URL, r.Secret != nil); err != nil {
		return bad("url", "bad_url", "%v", err)
	}
	if x := r.Secret; x != nil {
		x.Header = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(x.Header))
		if !headerName(x.Header) {
			return bad("secret.header", "bad_secret", "%q can't be the header of a secret", x.Header)
		}
		if !envNames.MatchString(x.Env) {
			return bad("secret.env", "bad_secret", "expected the name of an environment variable that begins with %s: the secret itself stands in the server's environment, never here", SecretPrefix)
		}
	}
	if r.Version != "" && !versions.MatchString(r.Version) {
		return bad("version", "bad_version", "expected a version of letters, digits, points and hyphens, at most 64")
	}
	if (r.Property == "") == (len(r.Datastreams) == 0) {
		return bad("property", "no_series", "expected either a property with kinds of asset, or a list of datastreams")
	}
	if (r.Property == "") != (len(r.Kinds) == 0) {
		return bad("kinds", "no_series", "a property needs kinds of asset, and kinds need a property")
	}
	if len(r.Datastreams) > MaxSeries {
		return bad("datastreams", "too_many_series", "%d datastreams, a model is asked about %d at most", len(r.Datastreams), MaxSeries)
	}
	for _, s := range []struct {
		field          string
		text           *string
		least, most    time.Duration
		otherwise      time.Duration
		otherwiseShown string
	}{
		{"every", &r.Every, minEvery, maxEvery, 0, ""}, {"history", &r.History, minEvery, maxHistory, defaultHistory, "24h"},
		{"horizon", &r.Horizon, time.Second, maxHorizon, defaultHorizon, "6h"}, {"timeout", &r.Timeout, minTimeout, maxTimeout, defaultTimeout, "30s"},
	} {
		if *s.text == "" && s.otherwise != 0 {
			*s.text = s.otherwiseShown
		}
		if d, err := span(*s.text); err != nil || d < s.least || d > s.most {
			return bad(s.field, "bad_span", "expected a span of %s to %s, such as 90s, 5m, 24h or 7d", said(s.least), said(s.most))
		}
	}
	for i, what := range r.Share {
		if what != "names" && what != "points" {
			return bad(fmt.Sprintf("share[%d]", i), "bad_share", "%q is none of names, points", what)
		}
	}
	if (len(r.Levels) == 0) != (r.Clear == nil) {
		return bad("clear", "bad_rule", "levels and clear go together; a model that only forecasts has neither")
	}
	if x := r.Opens; x != nil && !slices.Contains(cases, x.Case) {
		return bad("opens.case", "unknown_case", "there is no kind of case %q", x.Case)
	}
	if len(r.Levels) > 0 {
		if _, err := r.detector(); err != nil {
			return r, err
		}
	}
	return r, nil
}

// checkURL refuses what is no address of a model.
func checkURL(text string, secret bool) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > 1000:
		return errors.New("expected a URL of at most 1000 characters")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Opaque != "":
		return errors.New("expected https://host/path")
	case u.User != nil:
		return errors.New("a secret stands in a header, not in the URL")
	case u.Fragment != "":
		return errors.New("a fragment is never sent; leave it out")
	case u.Scheme == "http" && secret && !loopback(u.Hostname()):
		return errors.New("a secret needs https: over http anyone on the way can read it")
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// headerName says whether a header may hold a secret: it is a token, and not one that the transport sets.
func headerName(s string) bool {
	if s == "" || len(s) > 100 || slices.Contains([]string{
		"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Accept", "Accept-Encoding",
		"Expect", "Trailer", "Upgrade", "User-Agent", "Idempotency-Key", "Te",
	}, s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	})
}

// span reads a span as packs write it: 90s, 5m, 1h30m, 7d.
func span(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(s)
}

// said is a span as people write it.
func said(d time.Duration) string {
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if d >= u.of && d%u.of == 0 {
			return strconv.FormatInt(int64(d/u.of), 10) + u.name
		}
	}
	return d.String()
}

// complete makes spans of the texts of a registration that was checked.
func (m *Model) complete() error {
	var errs []error
	read := func(text string) time.Duration {
		d, err := span(text)
		errs = append(errs, err)
		return d
	}
	r := &m.Registration
	m.every, m.history, m.horizon, m.patience = read(r.Every), read(r.History), read(r.Horizon), read(r.Timeout)
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("model %s: %w", r.Name, err)
	}
	return nil
}

// window is when the newest window ended: windows are counted from a fixed instant, so that they are the same after a restart.
func (m *Model) window(now time.Time) time.Time { return now.Truncate(m.every) }
