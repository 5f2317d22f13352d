package reach

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/delivery"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// The channels that a warning can go by; delivery has an adapter for each.
const (
	Webhook       = "webhook"
	Email         = "email"
	SMS           = "sms"
	CellBroadcast = "cell-broadcast"
	WeCom         = "wecom"
	DingTalk      = "dingtalk"
	Feishu        = "feishu"
	WebPush       = "webpush"
	File          = "file"
)

// channelNames lists them in the order of the documentation.
func channelNames() []string {
	return []string{Webhook, Email, SMS, CellBroadcast, WeCom, DingTalk, Feishu, WebPush, File}
}

// Limits of what a recipient says.
const (
	maxTitle   = 100
	maxListed  = 200
	maxAddress = 2000
	// maxRecipients bounds how many there are: all of them are looked at in the transaction that publishes.
	maxRecipients = 5000
)

// The statuses that can reach anybody.
const (
	actual   = "Actual"
	exercise = "Exercise"
)

// levels, highest first.
func levels() []string { return []string{"red", "orange", "yellow", "blue"} }

// Recipient is an address of an organisation or a public body that warnings go to.
type Recipient struct {
	ID           int64      `json:"id"`
	Title        page.Text  `json:"title" doc:"the organisation's, office's or device's name, never a person's"`
	Organisation int64      `json:"organisation" doc:"its number in the register; 0: not in it"`
	Channel      string     `json:"channel" enum:"webhook,email,sms,cell-broadcast,wecom,dingtalk,feishu,webpush,file"`
	Address      string     `json:"address" doc:"as far as it may be shown: of a robot's only the host"`
	Signed       bool       `json:"signed" doc:"whether there is a secret"`
	PublicKey    string     `json:"public_key,omitempty" doc:"what verifies its webhooks, where its secret is a key of ed25519"`
	Secret       string     `json:"secret,omitempty" doc:"only in the answer to the request that made it"`
	Language     string     `json:"language,omitempty" doc:"en or zh-CN; both when empty"`
	Areas        []int64    `json:"areas" doc:"all when empty"`
	Hazards      []string   `json:"hazards" doc:"all when empty"`
	From         string     `json:"from" enum:"red,orange,yellow,blue" doc:"the lowest level that it wants"`
	Statuses     []string   `json:"statuses"`
	Restricted   bool       `json:"restricted" doc:"whether it gets warnings of scope Restricted, too"`
	Active       bool       `json:"active"`
	CreatedAt    time.Time  `json:"created_at"`
	ChangedAt    time.Time  `json:"changed_at"`
	GoneAt       *time.Time `json:"gone_at" doc:"when its address last said that it takes nothing; later warnings are tried all the same"`
}

// Draft is what an administrator enters for a recipient.
type Draft struct {
	Title        page.Text `json:"title"`
	Organisation int64     `json:"organisation,omitempty"`
	Channel      string    `json:"channel" enum:"webhook,email,sms,cell-broadcast,wecom,dingtalk,feishu,webpush,file"`
	Address      string    `json:"address" maxLength:"2000" doc:"a URL, a mail address, a number, the areas' code of a broadcast, a browser's push subscription as JSON, or the name of a file such as warnings.jsonl"`
	Secret       string    `json:"secret,omitempty" maxLength:"500" doc:"made here for a webhook when left out, and shown once"`
	Asymmetric   bool      `json:"asymmetric,omitempty" doc:"have the secret that is made be a key of ed25519"`
	Language     string    `json:"language,omitempty" enum:",en,zh-CN"`
	Areas        []int64   `json:"areas,omitempty" maxItems:"200"`
	Hazards      []string  `json:"hazards,omitempty" maxItems:"200"`
	From         string    `json:"from,omitempty" enum:",red,orange,yellow,blue" doc:"blue when left out"`
	Statuses     []string  `json:"statuses,omitempty" doc:"Actual when left out; Exercise may stand beside it or alone"`
	Restricted   bool      `json:"restricted,omitempty"`
}

// Change is what is to be different; what is left out stays.
type Change struct {
	Title        *page.Text `json:"title,omitempty"`
	Organisation *int64     `json:"organisation,omitempty"`
	Address      *string    `json:"address,omitempty" maxLength:"2000"`
	Secret       *string    `json:"secret,omitempty" maxLength:"500" doc:"empty: a webhook gets a new one, which is shown once"`
	Language     *string    `json:"language,omitempty" enum:",en,zh-CN"`
	Areas        *[]int64   `json:"areas,omitempty" maxItems:"200"`
	Hazards      *[]string  `json:"hazards,omitempty" maxItems:"200"`
	From         *string    `json:"from,omitempty" enum:"red,orange,yellow,blue"`
	Statuses     *[]string  `json:"statuses,omitempty"`
	Restricted   *bool      `json:"restricted,omitempty"`
	Active       *bool      `json:"active,omitempty"`
}

// check holds the rules of what does not need to be looked up.
func (r *Recipient) check() error {
	for lang, text := range map[string]*string{page.English: &r.Title.English, page.Chinese: &r.Title.Chinese} {
		*text = strings.TrimSpace(*text)
		if n := utf8.RuneCountInString(*text); n == 0 || n > maxTitle || strings.ContainsFunc(*text, func(c rune) bool { return c < 0x20 }) {
			return web.Errorf(422, "recipient.title", "expected the organisation's name in %s, of at most %d characters", lang, maxTitle).At("title." + lang)
		}
	}
	switch {
	case r.Language != "" && r.Language != page.English && r.Language != page.Chinese:
		return web.Errorf(422, "recipient.language", "language %q is not en or zh-CN; leave it out for both", r.Language).At("language")
	case !slices.Contains(levels(), r.From):
		return web.Errorf(422, "recipient.level", "level %q is not one of red, orange, yellow, blue", r.From).At("from")
	case len(r.Areas) > maxListed:
		return web.Errorf(422, "recipient.areas", "at most %d areas; name a larger one", maxListed).At("areas")
	case len(r.Hazards) > maxListed:
		return web.Errorf(422, "recipient.hazards", "at most %d hazards", maxListed).At("hazards")
	case len(r.Statuses) == 0:
		return web.Errorf(422, "recipient.statuses", "expected Actual, Exercise or both").At("statuses")
	}
	for i, s := range r.Statuses {
		if s != actual && s != exercise || slices.Contains(r.Statuses[:i], s) {
			return web.Errorf(422, "recipient.statuses", "status %q: expected Actual, Exercise or both; no other reaches anybody", s).At(fmt.Sprintf("statuses[%d]", i))
		}
	}
	return nil
}

// The forms of addresses. A file's name keeps clear of whatever else stands in the data folder.
const (
	numberForm = `^\+?[0-9]{3,20}$`
	codeForm   = `^[A-Za-z0-9._:-]{1,64}$`
	fileForm   = `^warnings(-[a-z0-9]{1,40})*\.jsonl$`
)

// checkAddress holds the form of an address, and returns what may be shown of it.
func (s *Service) checkAddress(channel, address string) (shown string, err error) {
	bad := func(expected string) (string, error) {
		return "", web.Errorf(422, "recipient.address", "%s", expected).At("address")
	}
	matches := func(form string) bool { return regexp.MustCompile(form).MatchString(address) }
	switch channel {
	case Webhook, WeCom, DingTalk, Feishu:
		if err := s.CheckURL(address); err != nil {
			return bad(err.Error())
		}
		return redact(address, channel == Webhook), nil
	case Email:
		a, err := mail.ParseAddress(address)
		if err != nil || a.Name != "" || a.Address != address || strings.ContainsFunc(address, func(c rune) bool { return c > 0x7e || c < 0x21 }) {
			return bad("expected one mail address of an office, such as duty@school.example, in plain letters")
		}
	case SMS:
		if !matches(numberForm) {
			return bad("expected the number of an office's phone in digits, with or without + before it")
		}
	case CellBroadcast:
		if !matches(codeForm) {
			return bad("expected the name under which the gateway knows what it broadcasts to: letters, digits and ._:-")
		}
	case WebPush:
		if err := s.CheckBrowser(address); err != nil {
			return bad("expected the push subscription of an office's browser: " + err.Error())
		}
		var sub delivery.Subscription
		if err := json.Unmarshal([]byte(address), &sub); err != nil {
			return bad(err.Error())
		}
		return redact(sub.Endpoint, false), nil
	case File:
		if !matches(fileForm) {
			return bad("expected the name of a file, such as warnings.jsonl or warnings-port.jsonl")
		}
	default:
		return "", web.Errorf(422, "recipient.channel", "channel %q is not one of %s", channel, strings.Join(channelNames(), ", ")).At("channel")
	}
	return address, nil
}

// redact is a URL without what may be a key: of a robot's address only the host is shown, of a webhook's no query.
func redact(address string, path bool) string {
	scheme, rest, _ := strings.Cut(address, "://")
	rest, _, query := strings.Cut(rest, "?")
	host, _, deeper := strings.Cut(rest, "/")
	if !path && deeper || query && !path {
		return scheme + "://" + host + "/…"
	}
	if query {
		return scheme + "://" + rest + "?…"
	}
	return scheme + "://" + rest
}

// wants says whether a publication concerns a recipient. touched are all areas that it concerns.
func (r *Recipient) wants(p Publication, touched map[int64]bool) bool {
	switch {
	case !r.takes(p):
		return false
	case len(r.Hazards) > 0 && !slices.Contains(r.Hazards, p.Hazard):
		return false
	case slices.Index(levels(), p.Level) > slices.Index(levels(), r.From):
		return false
	}
	return len(r.Areas) == 0 || slices.ContainsFunc(r.Areas, func(id int64) bool { return touched[id] })
}

// takes says whether anything of a publication's status and scope may ever go to a recipient.
func (r *Recipient) takes(p Publication) bool {
	return r.Active && slices.Contains(r.Statuses, p.Status) && (p.Status == actual || p.Status == exercise) &&
		(p.Scope == "Public" || p.Scope == "Restricted" && r.Restricted)
}
