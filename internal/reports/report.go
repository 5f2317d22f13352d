package reports

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// State is where a report stands.
type State string

// The states.
const (
	Open   State = "open"
	Closed State = "closed"
)

// Precision says how well the place of a report is known.
type Precision string

// The precisions.
const (
	ByPoint Precision = "point"
	ByArea  Precision = "area" // the point is the middle of the area
	Unknown Precision = "unknown"
)

// The channel of the public form.
const channelForm = "web"

// Limits of what a report holds, in characters. maxText is Open311's.
const (
	maxText     = 4000
	maxAddress  = 300
	maxContact  = 200
	maxName     = 100 // channel, queue, source_category, external_id
	minText     = 5
	maxAgeYears = 60
)

// Report is what the city's staff see of a report. Text and address are masked.
type Report struct {
	ID             int64       `json:"id"`
	Number         string      `json:"number"`
	Category       string      `json:"category"`
	CategoryTitle  page.Text   `json:"category_title"`
	SourceCategory string      `json:"source_category,omitempty" doc:"the category under which a bulk report came, where it is not one of ours"`
	Text           string      `json:"text" doc:"identity numbers, phones, plates and e-mail addresses are masked"`
	Address        string      `json:"address,omitempty"`
	Point          *[2]float64 `json:"point" doc:"longitude, latitude"`
	Precision      Precision   `json:"precision" enum:"point,area,unknown" doc:"area: the point is the middle of the area"`
	Area           int64       `json:"area,omitempty"`
	State          State       `json:"state" enum:"open,closed"`
	Channel        string      `json:"channel"`
	Queue          string      `json:"queue,omitempty"`
	Contact        bool        `json:"contact" doc:"whether the reporter can be asked back; how stands in the vault"`
	ReceivedAt     time.Time   `json:"received_at"`
	DueAt          *time.Time  `json:"due_at"`
	ClosedAt       *time.Time  `json:"closed_at"`
	ExternalID     string      `json:"external_id,omitempty"`
}

// Filing is what a resident writes into the form.
type Filing struct {
	Category string
	Text     string
	Area     int64
	Address  string
	Lon, Lat string // as typed; both empty or both numbers
	Name     string // how to address them, optional
	Phone    string // optional
	Email    string // optional
	// Submission is drawn when the form is first shown, so that a form sent twice files one report.
	Submission string
}

// point reads the coordinates.
func (f Filing) point() (p *[2]float64, err error) {
	if strings.TrimSpace(f.Lon+f.Lat) == "" {
		return nil, nil
	}
	lon, lonOK := number(f.Lon)
	lat, latOK := number(f.Lat)
	switch {
	case !latOK || math.Abs(lat) > 90:
		return nil, wrong("report.latitude", "lat")
	case !lonOK || math.Abs(lon) > 180:
		return nil, wrong("report.longitude", "lon")
	}
	return &[2]float64{lon, lat}, nil
}

// number reads a decimal number as people type it, full-width forms and a decimal comma included.
func number(s string) (float64, bool) {
	s = strings.TrimSpace(strings.ReplaceAll(guard.Fold(s), ",", "."))
	if s == "" || len(s) > 24 || strings.Trim(s, "0123456789.-+") != "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// checkCategory, checkText, checkPlace and checkContact are the pages of the form; each returns all that is wrong with its
// page. The codes are keys of the texts, so that a resident reads them in their own language.
func (f Filing) checkCategory(c categories) []*web.Error {
	category, ok := c.byID[f.Category]
	if !ok || category.Form != nil {
		return []*web.Error{wrong("report.category", "category")}
	}
	return nil
}

func (f Filing) checkText() []*web.Error {
	switch n := utf8.RuneCountInString(strings.TrimSpace(f.Text)); {
	case n == 0:
		return []*web.Error{wrong("report.text_missing", "description")}
	case n < minText:
		return []*web.Error{wrong("report.text_short", "description")}
	case n > maxText:
		return []*web.Error{wrong("report.text_long", "description")}
	case unprintable(f.Text):
		return []*web.Error{wrong("report.text_form", "description")}
	}
	return nil
}

func (f Filing) checkPlace(areas []Area) (errs []*web.Error) {
	known := false
	for _, a := range areas {
		known = known || a.ID == f.Area
	}
	if !known && len(areas) > 0 {
		errs = append(errs, wrong("report.area", "area"))
	}
	switch n := utf8.RuneCountInString(strings.TrimSpace(f.Address)); {
	case n == 0:
		errs = append(errs, wrong("report.address_missing", "address"))
	case n > maxAddress || unprintable(f.Address):
		errs = append(errs, wrong("report.address_long", "address"))
	}
	if _, err := f.point(); err != nil {
		errs = append(errs, err.(*web.Error))
	}
	return errs
}

func (f Filing) checkContact() (errs []*web.Error) {
	if n := utf8.RuneCountInString(f.Name); n > maxContact || unprintable(f.Name) {
		errs = append(errs, wrong("report.name", "name"))
	}
	if phone := strings.TrimSpace(f.Phone); phone != "" && (len(phone) > 40 || digits(guard.Fold(phone)) < 5 || strings.Trim(guard.Fold(phone), "0123456789 +-()/.extEXT转") != "") {
		errs = append(errs, wrong("report.phone", "phone"))
	}
	if email := strings.TrimSpace(f.Email); email != "" && (len(email) > maxContact || !strings.Contains(strings.Trim(email, "@"), "@") || strings.ContainsAny(email, " \t,;<>")) {
		errs = append(errs, wrong("report.email", "email"))
	}
	return errs
}

// secrets returns what goes into the vault: how to reach the reporter, and the words as written where the row holds them
// masked. It is empty for most reports.
func (f Filing) secrets() map[string]string {
	out := map[string]string{}
	for key, value := range map[string]string{"name": f.Name, "phone": f.Phone, "email": f.Email} {
		if value = strings.TrimSpace(value); value != "" {
			out[key] = value
		}
	}
	if guard.Reveals(f.Text) {
		out["text"] = f.Text
	}
	if guard.Reveals(f.Address) {
		out["address"] = f.Address
	}
	return out
}

// reachable says whether the reporter left a way to be asked back.
func (f Filing) reachable() bool { return strings.TrimSpace(f.Phone+f.Email) != "" }

// wrong is an error of the form; its message is for the API and the log, the page shows the text of its code.
func wrong(code, field string) *web.Error {
	return web.Errorf(422, code, "%s is not right", field).At(field)
}

// unprintable finds what neither the store nor a page should hold.
func unprintable(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 && r != '\n' && r != '\r' && r != '\t' || r == 0x7f })
}

func digits(s string) (n int) {
	for _, r := range s {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	return n
}
