package inspect

import (
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/anlan-city/anlan/internal/platform/web"
)

const (
	// maxDescription and maxChecklist bound what an inspector writes, in characters.
	maxDescription = 4000
	maxChecklist   = 200
)

// The grades of a hazard: 一般隐患 and 重大隐患. An inspector proposes one; the case decides.
const (
	General = "general"
	Major   = "major"
)

// Spot is where something is and who answers for it, as far as known: ids are 0 and the point nil where not.
type Spot struct {
	Asset int64
	Place int64
	Area  int64
	Owner int64       // organisation
	Point *[2]float64 // longitude, latitude
}

// Draft is a finding as an inspector writes it.
type Draft struct {
	Asset       int64       `json:"asset,omitempty" doc:"the asset that is at fault"`
	Place       int64       `json:"place,omitempty" doc:"or the place"`
	Point       *[2]float64 `json:"point,omitempty" doc:"or longitude and latitude, WGS 84"`
	Description string      `json:"description" doc:"what is wrong; no names of persons, no numbers of theirs"`
	Grade       string      `json:"grade" enum:"general,major" doc:"as proposed: general (一般隐患) or major (重大隐患)"`
	Checklist   string      `json:"checklist,omitempty" doc:"the checklist item that failed"`
}

// Finding is what an inspection found wrong.
type Finding struct {
	ID          int64
	At          time.Time
	ByID        int64
	By          string
	Description string
	Grade       string
	Checklist   string
	Spot
}

// check brings a draft into form, or says what a person has to mend.
func (d Draft) check() (Draft, error) {
	d.Description, d.Checklist = strings.TrimSpace(d.Description), strings.TrimSpace(d.Checklist)
	bad := func(field, format string, args ...any) error {
		return web.Errorf(http.StatusUnprocessableEntity, "finding.invalid", format, args...).At(field)
	}
	switch {
	case d.Description == "":
		return d, bad("description", "say what is wrong")
	case utf8.RuneCountInString(d.Description) > maxDescription:
		return d, bad("description", "at most %d characters", maxDescription)
	case !clean(d.Description):
		return d, bad("description", "the text holds characters that cannot be shown")
	case utf8.RuneCountInString(d.Checklist) > maxChecklist || !clean(d.Checklist):
		return d, bad("checklist", "at most %d characters that can be shown", maxChecklist)
	case d.Grade != General && d.Grade != Major:
		return d, bad("grade", "expected general or major, got %q", d.Grade)
	case d.Asset == 0 && d.Place == 0 && d.Point == nil:
		return d, bad("asset", "say where: an asset, a place or a point")
	case d.Point != nil && !onEarth(*d.Point):
		return d, bad("point", "expected longitude and latitude in degrees")
	}
	return d, nil
}

// clean says whether both engines can keep s and a page can show it.
func clean(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func onEarth(p [2]float64) bool { // a NaN fails each comparison
	return p[0] >= -180 && p[0] <= 180 && p[1] >= -90 && p[1] <= 90
}
