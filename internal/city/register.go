package city

import (
	"cmp"
	"slices"
	"strings"

	"github.com/peterstace/simplefeatures/geom"
)

// The five lists of the register, as files and the API name them.
const (
	Areas         = "areas"
	Places        = "places"
	Assets        = "assets"
	Organisations = "organisations"
	Duties        = "duties"
)

// Registers are the five lists, in the order in which a new city imports them.
var Registers = []string{Areas, Organisations, Places, Assets, Duties}

// A list is seen by import and export as records of text: names as they are, references as external ids, geometry as WKB,
// free properties as canonical JSON. So what has changed is a comparison of text, and what is exported is what is stored.

// form says what a field's text is.
type form int

const (
	formText       form = iota
	formKey             // the external id by which a record is known
	formWord            // a kind or level: a name that the register keeps a list of
	formReference       // the external id of a record in field.of
	formReferences      // external ids of records in field.of: a JSON list, sorted; in files that, or text with semicolons
	formChoice          // one of field.choices
	formGeometry        // WKB; in files GeoJSON, WKT or the columns lon and lat
	formProperties      // JSON; in files JSON or columns properties.NAME
	formCount           // a whole number, 0 or more, in digits; field.least and field.most bound it
)

// field is one field of a list.
type field struct {
	name    string
	aliases []string // the header that Chinese lists have for it
	form    form
	of      string // for references
	// required means that a record can't be without it.
	required bool
	choices  []choice
	least    int
	most     int
}

// choice is a value and what Chinese lists call it.
type choice struct{ value, zh string }

// list is the shape of one of the five.
type list struct {
	name   string
	fields []field
	// shapes are the kinds of geometry that the list takes; nil for all.
	shapes []geom.GeometryType
	// named means that a record needs a name in one of the two languages.
	named bool
}

var (
	externalID = field{name: "external_id", aliases: []string{"编码", "编号"}, form: formKey, required: true}
	nameEN     = field{name: "name_en", aliases: []string{"英文名称"}}
	nameZH     = field{name: "name_zh", aliases: []string{"名称", "中文名称"}}
	anyShape   = field{name: "geometry", aliases: []string{"几何"}, form: formGeometry, required: true}
)

var lists = map[string]*list{
	Areas: {name: Areas, named: true, shapes: []geom.GeometryType{geom.TypePolygon, geom.TypeMultiPolygon}, fields: []field{
		externalID,
		{name: "level", aliases: []string{"层级"}, form: formWord, required: true},
		nameEN, nameZH,
		{name: "parent", aliases: []string{"上级"}, form: formReference, of: Areas},
		anyShape,
		{name: "residents", aliases: []string{"常住人口", "人口"}, form: formCount, least: FewestResidents, most: 100_000_000},
		{name: "residents_year", aliases: []string{"人口年份"}, form: formCount, least: 1900, most: 2200},
		{name: "residents_source", aliases: []string{"人口来源"}},
	}},
	Organisations: {name: Organisations, named: true, fields: []field{
		externalID,
		{name: "kind", aliases: []string{"单位类型", "类型"}, form: formWord, required: true},
		nameEN, nameZH,
		{name: "parent", aliases: []string{"上级单位", "上级"}, form: formReference, of: Organisations},
	}},
	Places: {name: Places, named: true, fields: []field{
		externalID,
		{name: "kind", aliases: []string{"点位类型", "类型"}, form: formWord},
		nameEN, nameZH,
		{name: "address", aliases: []string{"地址"}},
		anyShape,
	}},
	Assets: {name: Assets, named: true, fields: []field{
		externalID,
		{name: "kind", aliases: []string{"设施类型", "类型"}, form: formWord, required: true},
		nameEN, nameZH,
		{name: "place", aliases: []string{"点位"}, form: formReference, of: Places, required: true},
		{name: "organisation", aliases: []string{"单位", "权属单位"}, form: formReference, of: Organisations},
		{name: "premises", aliases: []string{"场所"}, form: formChoice, choices: []choice{{PremisesHome, "住宅"}}},
		{name: "properties", aliases: []string{"属性"}, form: formProperties},
		{name: "geometry", aliases: []string{"几何"}, form: formGeometry},
		{name: "upstream", aliases: []string{"上游设施", "上游"}, form: formReferences, of: Assets},
	}},
	Duties: {name: Duties, fields: []field{
		{name: "kind", aliases: []string{"责任类型"}, form: formChoice, required: true, choices: []choice{
			{DutyLeadership, "党政领导责任"}, {DutyTerritory, "属地责任"}, {DutyRegulator, "部门监管责任"}, {DutyEnterprise, "企业主体责任"}}},
		{name: "organisation", aliases: []string{"单位"}, form: formReference, of: Organisations, required: true},
		{name: SubjectArea, aliases: []string{"辖区"}, form: formReference, of: Areas},
		{name: SubjectPlace, aliases: []string{"点位"}, form: formReference, of: Places},
		{name: SubjectAsset, aliases: []string{"设施设备"}, form: formReference, of: Assets},
		{name: "pack", aliases: []string{"场景包"}, form: formWord},
		{name: "role", aliases: []string{"牵头或协办"}, form: formChoice, choices: []choice{{"lead", "牵头"}, {"assist", "协办"}}},
		{name: "post", aliases: []string{"岗位"}},
	}},
}

// index is where a field stands in the records of the list; -1 when it has none of that name.
func (l *list) index(name string) int {
	return slices.IndexFunc(l.fields, func(f field) bool { return f.name == name })
}

// record is one row of a list. values stand in the order of the list's fields.
type record struct {
	id     int64 // 0 until it is stored
	values []string
	shape  geom.Geometry // of the field geometry, when it was read from a file; else see storedShape
	area   string        // of a place: the external id of the area that it lies in
	at     [2]float64    // of a stored place: the point that stands for it
}

// get is a field's text.
func (l *list) get(r *record, name string) string { return r.values[l.index(name)] }

// key is what makes a record the same in two files.
func (l *list) key(r *record) string {
	if l.name != Duties {
		return r.values[0]
	}
	// The first six fields of a duty: another role or post is a change, anything else another duty.
	return strings.Join(r.values[:6], "\x00")
}

// suggest finds what was probably meant.
func suggest(got string, known []string) string {
	best, bestDistance := "", 0
	g := []rune(strings.ToLower(got))
	for _, k := range known {
		c := []rune(strings.ToLower(k))
		limit := max(1, min(len(g), len(c))/3)
		d := limit + 1
		switch {
		case len(g) >= 3 && (strings.HasPrefix(string(c), string(g)) || strings.HasSuffix(string(c), string(g))):
			d = 1
		case abs(len(g)-len(c)) <= limit:
			d = distance(g, c)
		}
		if d <= limit && (best == "" || cmp.Or(cmp.Compare(d, bestDistance), cmp.Compare(k, best)) < 0) {
			best, bestDistance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// distance counts the letters to add, drop, change or swap to make b of a (optimal string alignment).
func distance(a, b []rune) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		now, last, before := rows[i%3], rows[(i+2)%3], rows[(i+1)%3]
		now[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

func abs(n int) int { return max(n, -n) }
