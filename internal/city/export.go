package city

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Export writes one of the five lists as geojson, csv or xlsx, in WGS 84. Import reads it back unchanged.
func (s *Service) Export(ctx context.Context, w io.Writer, what, format string) error {
	if err := s.Access.Decide(ctx, "city.export", access.Resource{Type: "city"}, access.Administration); err != nil {
		return err
	}
	l, ok := lists[what]
	if !ok {
		return web.Errorf(http.StatusUnprocessableEntity, "city.unknown_register", "unknown list %q, expected %s%s",
			what, strings.Join(Registers, ", "), suggest(what, Registers)).At("what")
	}
	f, err := tabular.FormatOf(format, "")
	if err != nil {
		return web.Errorf(http.StatusUnprocessableEntity, "city.unknown_format", "unknown format %q, expected geojson, csv or xlsx", format).At("format")
	}
	t := tabular.Table{Columns: exportColumns(l, f)}
	err = s.store.records(ctx, l, func(r *record) error {
		t.Rows = append(t.Rows, tabular.Row{Line: len(t.Rows) + 2, Cells: exportCells(l, f, r)})
		return nil
	})
	if err != nil {
		return err
	}
	if err := tabular.Write(w, f, l.name, t); err != nil {
		return web.Errorf(http.StatusConflict, "city.not_exportable", "%v", err)
	}
	return nil
}

// exportColumns are the list's fields; a point has columns of its own where the format has no geometry.
func exportColumns(l *list, f tabular.Format) []tabular.Column {
	var columns []tabular.Column
	for _, fl := range l.fields {
		if fl.form == formGeometry && f != tabular.GeoJSON && l.shapes == nil {
			columns = append(columns, tabular.Column{Name: "lon", Number: true}, tabular.Column{Name: "lat", Number: true})
		}
		columns = append(columns, tabular.Column{Name: fl.name})
	}
	return columns
}

func exportCells(l *list, f tabular.Format, r *record) []tabular.Cell {
	var cells []tabular.Cell
	for i, fl := range l.fields {
		v := r.values[i]
		switch {
		case fl.form == formProperties:
			cells = append(cells, tabular.Cell{Text: v, JSON: v != ""})
		case fl.form == formCount && f == tabular.GeoJSON:
			cells = append(cells, tabular.Cell{Text: v, JSON: v != ""})
		case fl.form == formReferences:
			cells = append(cells, exportKeys(f, v))
		case fl.form != formGeometry:
			cells = append(cells, tabular.Cell{Text: v})
		default:
			cells = append(cells, exportShape(l, f, v)...)
		}
	}
	return cells
}

func exportShape(l *list, f tabular.Format, wkb string) []tabular.Cell {
	var g geom.Geometry
	if wkb != "" {
		g = storedShape(wkb)
	}
	if f == tabular.GeoJSON {
		if wkb == "" {
			return []tabular.Cell{{}}
		}
		b, err := g.MarshalJSON()
		if err != nil {
			return []tabular.Cell{{}} // can't be: what is stored was read from text
		}
		return []tabular.Cell{{Text: string(b), JSON: true}}
	}
	if l.shapes != nil {
		return []tabular.Cell{{Text: g.AsText()}}
	}
	p, isPoint := g.AsPoint()
	xy, ok := p.XY()
	switch {
	case wkb == "":
		return make([]tabular.Cell, 3)
	case isPoint && ok:
		return []tabular.Cell{{Text: number(xy.X)}, {Text: number(xy.Y)}, {}}
	}
	return []tabular.Cell{{}, {}, {Text: g.AsText()}}
}
