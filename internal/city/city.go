package city

import (
	"context"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/peterstace/simplefeatures/geom"
)

const (
	// GridLevel is the level of areas that are grid cells.
	GridLevel = "grid"
	// TownLevel is that of towns and streets (乡镇、街道), where a register names it so.
	TownLevel = "town"

	// PremisesHome marks an asset that stands in a home: it gives state and liveness only, no curve.
	PremisesHome = "home"

	// MaxResitings is how often a thing that does not move may be given a new site within ResitingWindow. Surveyors
	// correct a position once, sometimes twice a day; who needs more is following something.
	MaxResitings = 2

	// ResitingWindow is the time over which re-sitings are counted.
	ResitingWindow = 24 * time.Hour

	// PathKept is how long the path of a mobile instrument is kept.
	PathKept = 72 * time.Hour

	// MaxProperties and MaxPropertiesBytes bound the free properties of one asset.
	MaxProperties      = 64
	MaxPropertiesBytes = 8 << 10

	// FewestResidents is the least total of residents that an area may have: less is no town, and no total either.
	FewestResidents = 20

	// MaxUpstream is how many assets may be named as those that feed one.
	MaxUpstream = 64
)

// Name is a name in the two languages of the product; one may be missing.
type Name struct {
	EN string `json:"en,omitempty"`
	ZH string `json:"zh-CN,omitempty"`
}

// In is the name in a language ("en" or "zh-CN"), or in the other one where that is missing.
func (n Name) In(lang string) string {
	if (lang == "zh-CN" && n.ZH != "") || n.EN == "" {
		return n.ZH
	}
	return n.EN
}

// Geometry is a shape in WGS 84 degrees. In JSON it is GeoJSON.
type Geometry struct{ geom.Geometry }

// Schema describes the JSON form.
func (Geometry) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "a GeoJSON geometry (RFC 7946)", AdditionalProperties: true}
}

// Point is longitude and latitude in WGS 84 degrees.
type Point [2]float64

// Area is a district, a town or a grid cell. Parent is 0 for the outermost.
type Area struct {
	ID         int64    `json:"id"`
	ExternalID string   `json:"external_id"`
	Level      string   `json:"level" doc:"any word; grid is the lowest"`
	Name       Name     `json:"name"`
	Parent     int64    `json:"parent,omitempty"`
	Geometry   Geometry `json:"geometry"`
	// Residents is nil where no number is known.
	Residents *Residents `json:"residents,omitempty" doc:"a total of a town, or of an area that holds towns"`
}

// Residents is how many people lived in an area, as a census or a yearbook says. Grid cells and what lies in towns have none.
type Residents struct {
	Total  int    `json:"total"`
	Year   int    `json:"year"`
	Source string `json:"source"`
}

// Organisation is an agency, a utility or an enterprise. Parent is 0 for the outermost.
type Organisation struct {
	ID         int64  `json:"id"`
	ExternalID string `json:"external_id"`
	Kind       string `json:"kind" doc:"any word: agency, utility, enterprise, ..."`
	Name       Name   `json:"name"`
	Parent     int64  `json:"parent,omitempty"`
}

// Place is a site. Area is the grid cell that it lies in, or the smallest area where there is no grid; 0 for none.
type Place struct {
	ID         int64    `json:"id"`
	ExternalID string   `json:"external_id"`
	Kind       string   `json:"kind,omitempty"`
	Name       Name     `json:"name"`
	Address    string   `json:"address,omitempty"`
	Area       int64    `json:"area,omitempty"`
	Point      Point    `json:"point"`
	Geometry   Geometry `json:"geometry"`
}

// Asset is a thing at a place that can fail.
type Asset struct {
	ID               int64           `json:"id"`
	ExternalID       string          `json:"external_id"`
	Kind             string          `json:"kind" doc:"pack/kind"`
	KindTitle        *Name           `json:"kind_title,omitempty"`
	Pack             string          `json:"pack"`
	Name             Name            `json:"name"`
	Place            int64           `json:"place"`
	PlaceName        Name            `json:"place_name"`
	Area             int64           `json:"area,omitempty"`
	Organisation     int64           `json:"organisation,omitempty"`
	OrganisationName *Name           `json:"organisation_name,omitempty"`
	Premises         string          `json:"premises,omitempty" doc:"home: gives state and liveness only"`
	Point            Point           `json:"point"`
	Properties       json.RawMessage `json:"properties,omitempty"`

	// What the rooms below know: see Decorations.
	State      string `json:"state" enum:"ok,alert,silent,unknown"`
	AlertLevel string `json:"alert_level,omitempty" enum:"red,orange,yellow,blue"`
}

// Neighbour is an asset next to another in the network that water, gas or power runs through.
type Neighbour struct {
	ID         int64  `json:"id"`
	ExternalID string `json:"external_id"`
	Kind       string `json:"kind"`
	Name       Name   `json:"name"`
}

// The kinds of duty: who answers for an area, a place or an asset. Chinese law knows them as 党政领导责任, 属地责任,
// 部门监管责任 and 企业主体责任.
const (
	DutyLeadership = "leadership"
	DutyTerritory  = "territory"
	DutyRegulator  = "regulator"
	DutyEnterprise = "enterprise"
)

// DutyKinds are the kinds of duty, in the order of the chain.
var DutyKinds = []string{DutyLeadership, DutyTerritory, DutyRegulator, DutyEnterprise}

// What a duty can be over.
const (
	SubjectArea  = "area"
	SubjectPlace = "place"
	SubjectAsset = "asset"
)

// Duty says that an organisation answers for an area, a place or an asset. It holds for what lies within, too.
type Duty struct {
	ID               int64  `json:"id,omitempty" doc:"absent where it follows from who runs the asset"`
	Kind             string `json:"kind" enum:"leadership,territory,regulator,enterprise"`
	Organisation     int64  `json:"organisation"`
	OrganisationName Name   `json:"organisation_name"`
	Subject          string `json:"subject" enum:"area,place,asset"`
	SubjectID        int64  `json:"subject_id"`
	Pack             string `json:"pack,omitempty" doc:"the duty is limited to assets of this pack"`
	Role             string `json:"role" enum:"lead,assist" doc:"牵头单位 or 协办单位"`
	Post             string `json:"post,omitempty" doc:"the post that holds it within the organisation"`
}

// MissingDuty is a link that the chain of responsibility lacks.
type MissingDuty struct {
	Kind       string `json:"kind" enum:"leadership,territory,regulator,enterprise"`
	Subject    string `json:"subject" enum:"area,place,asset"`
	SubjectID  int64  `json:"subject_id"`
	ExternalID string `json:"external_id"`
	Name       Name   `json:"name"`
}

// Settings are what the city says about itself.
type Settings struct {
	Name     Name   `json:"name"`
	TimeZone string `json:"time_zone" example:"Asia/Shanghai"`
	// Bounds is the box around all areas: west, south, east, north. Null while there are none.
	Bounds *[4]float64 `json:"bounds"`
}

// Kind is a kind of asset, as its pack declares it. ID is "pack/kind".
type Kind struct {
	ID     string
	Title  Name
	Mobile bool // an instrument that moves
	Home   bool // stands in a home
}

// Kinds are the kinds that the loaded packs allow; app joins them. It answers from memory.
type Kinds interface {
	Kinds() []Kind
}

// State is how an asset is doing: "ok", "alert" with its level, "silent" or "unknown".
type State struct {
	State      string
	AlertLevel string
}

// Decorations tell what rooms below know about assets; app fulfils it.
type Decorations interface {
	// States answers from memory; ids that nothing is known of are left out.
	States(assets []int64) map[int64]State
	// Datastreams are an asset's datastreams as the API shows them, a list.
	Datastreams(ctx context.Context, asset int64) (any, error)
}
