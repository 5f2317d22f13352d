package coverage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// queryFilter reads the parameters of FilterIn for routes that answer with a file.
func queryFilter(q url.Values) (Filter, error) {
	in := FilterIn{Kind: q.Get("kind"), State: q.Get("state"), Due: q.Get("calibration"), Late: q.Get("late") == "true", Unjudged: q.Get("unjudged") == "true", Text: q.Get("q")}
	if text := q.Get("area"); text != "" {
		var err error
		if in.Area, err = strconv.ParseInt(text, 10, 64); err != nil {
			return Filter{}, web.Errorf(http.StatusUnprocessableEntity, "coverage.bad_area", "expected the id of an area, got %q", short(text)).At("area")
		}
	}
	return in.filter()
}

// getGeoJSON sends all assets that pass the filter for the map: where, what and in which state, nothing else.
func (s *Service) getGeoJSON(w http.ResponseWriter, r *http.Request) {
	f, err := queryFilter(r.URL.Query())
	if err == nil {
		err = s.mayLook(r.Context())
	}
	var v *view
	if err == nil {
		v, err = s.look()
	}
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/geo+json")
	w.Header().Set("Cache-Control", "private, no-cache")
	out := bufio.NewWriterSize(w, 64<<10)
	_, _ = out.WriteString(`{"type":"FeatureCollection","features":[`)
	m := v.matcher(f)
	var line []byte
	for i := range v.verdicts {
		a, x := &v.assets[i], &v.verdicts[i]
		if !m.ofAsset(a, x) {
			continue
		}
		if line != nil {
			line = append(line[:0], ',')
		}
		line = v.appendFeature(line, i)
		if _, err := out.Write(line); err != nil {
			return // the reader has gone
		}
	}
	_, _ = out.WriteString("]}\n")
	if err := out.Flush(); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}

func (v *view) appendFeature(b []byte, i int) []byte {
	a, x, k := &v.assets[i], &v.verdicts[i], v.entries[i].kind
	name := a.Name
	if a.Home {
		name = k.title
	}
	b = append(b, "\n{\"type\":\"Feature\",\"id\":"...)
	b = strconv.AppendInt(b, a.ID, 10)
	b = append(b, `,"geometry":{"type":"Point","coordinates":[`...)
	b = strconv.AppendFloat(b, a.Point[0], 'f', -1, 64)
	b = append(b, ',')
	b = strconv.AppendFloat(b, a.Point[1], 'f', -1, 64)
	b = append(b, `]},"properties":{"id":`...)
	b = strconv.AppendInt(b, a.ID, 10)
	b = append(b, `,"kind":`...)
	b = appendText(b, a.Kind)
	b = append(b, `,"name":{"en":`...)
	b = appendText(b, name.EN)
	b = append(b, `,"zh-CN":`...)
	b = appendText(b, name.ZH)
	b = append(b, `},"area":`...)
	b = strconv.AppendInt(b, a.Area, 10)
	b = append(b, `,"state":"`...)
	b = append(b, x.state...)
	if x.due != "" {
		b = append(b, `","due":"`...)
		b = append(b, x.due...)
	}
	return append(b, `"}}`...)
}

// appendText appends a JSON string. Names are plain text for the most part, and need no encoder.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f {
			quoted, err := json.Marshal(s)
			if err != nil {
				return append(b, `""`...) // a string is always JSON
			}
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

var exportTypes = map[tabular.Format]string{
	tabular.CSV:  "text/csv; charset=utf-8",
	tabular.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// exportColumns are the columns of the list as a file.
var exportColumns = []tabular.Column{
	{Name: "id"}, {Name: "external_id"}, {Name: "kind"}, {Name: "kind_en"}, {Name: "kind_zh"}, {Name: "name_en"}, {Name: "name_zh"},
	{Name: "place_en"}, {Name: "place_zh"}, {Name: "area_en"}, {Name: "area_zh"}, {Name: "lon", Number: true}, {Name: "lat", Number: true},
	{Name: "state"}, {Name: "late"}, {Name: "judged"}, {Name: "last_heard"}, {Name: "works_until"}, {Name: "works_reason"}, {Name: "due_on"}, {Name: "due"},
	{Name: "reasons_en"}, {Name: "reasons_zh"},
}

// getExport sends the list as CSV or XLSX. The file is made before it is sent, so that an error is an error and not half a file.
func (s *Service) getExport(w http.ResponseWriter, r *http.Request) {
	file, format, err := s.export(r)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", exportTypes[format])
	w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "coverage." + string(format)}))
	if _, err := w.Write(file); err != nil {
		slog.DebugContext(r.Context(), "answer not sent", "err", err)
	}
}

func (s *Service) export(r *http.Request) ([]byte, tabular.Format, error) {
	ctx, q := r.Context(), r.URL.Query()
	if err := s.Access.Decide(ctx, "city.export", access.Resource{Type: "asset"}, access.Operations); err != nil {
		return nil, "", err
	}
	format, err := tabular.FormatOf(q.Get("format"), "")
	if err != nil || exportTypes[format] == "" {
		return nil, "", web.Errorf(http.StatusUnprocessableEntity, "coverage.unknown_format", "expected the format csv or xlsx").At("format")
	}
	f, err := queryFilter(q)
	if err != nil {
		return nil, "", err
	}
	v, err := s.look()
	if err != nil {
		return nil, "", err
	}
	at, _ := v.page(f, cursor{}, len(v.verdicts)+1)
	t := tabular.Table{Columns: exportColumns, Rows: make([]tabular.Row, 0, len(at))}
	const slice = 1000 // s.mu is not held for the whole of a large city
	for len(at) > 0 {
		n := min(slice, len(at))
		for _, l := range s.lines(v, at[:n]) {
			t.Rows = append(t.Rows, tabular.Row{Line: len(t.Rows) + 2, Cells: l.cells()})
		}
		at = at[n:]
	}
	var file bytes.Buffer
	if err := tabular.Write(&file, format, "coverage", t); err != nil {
		return nil, "", web.Errorf(http.StatusConflict, "coverage.not_exportable", "%v", err)
	}
	return file.Bytes(), format, nil
}

func (l *Line) cells() []tabular.Cell {
	var last, until, reason string
	if l.LastHeard != nil {
		last = stamp(*l.LastHeard)
	}
	if l.Works != nil {
		until, reason = stamp(l.Works.End()), l.Works.Reason
	}
	var en, zh []string
	for _, r := range l.Reasons {
		en, zh = append(en, r.Text.EN), append(zh, r.Text.ZH)
	}
	var cells []tabular.Cell
	for _, text := range []string{
		strconv.FormatInt(l.ID, 10), l.ExternalID, l.Kind, l.KindTitle.EN, l.KindTitle.ZH, l.Name.EN, l.Name.ZH, l.PlaceName.EN, l.PlaceName.ZH,
		l.AreaName.EN, l.AreaName.ZH, strconv.FormatFloat(l.Point[0], 'f', -1, 64), strconv.FormatFloat(l.Point[1], 'f', -1, 64),
		string(l.State), strconv.FormatBool(l.Late), strconv.FormatBool(l.Judged), last, until, reason, l.DueOn, string(l.Due),
		strings.Join(en, "; "), strings.Join(zh, "；"),
	} {
		cells = append(cells, tabular.Cell{Text: text})
	}
	return cells
}
