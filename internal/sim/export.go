package sim

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// File is one file of an exported city.
type File struct {
	Name  string
	Write func(io.Writer) error
}

// Files lists what Export writes. areas, organisations, places, assets and duties have the columns that the city's import
// reads, in the order in which they refer to each other; coordinates are WGS 84. datastreams.csv is for the senders of
// readings, roads and basemap for the map.
func (w *World) Files() []File {
	return []File{
		{"areas.geojson", w.writeAreas},
		{"organisations.csv", w.writeOrganisations},
		{"places.geojson", w.writePlaces},
		{"assets.geojson", w.writeAssets},
		{"duties.csv", w.writeDuties},
		{"datastreams.csv", w.writeDatastreams},
		{"roads.geojson", w.writeRoads},
		{"basemap.geojson", w.writeBase},
	}
}

// Export writes all files into a directory, which it creates. The same world gives the same bytes.
func (w *World) Export(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("export city: %w", err)
	}
	for _, f := range w.Files() {
		if err := writeFile(filepath.Join(dir, f.Name), f.Write); err != nil {
			return fmt.Errorf("export city: %w", err)
		}
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	b := bufio.NewWriterSize(f, 1<<16)
	if err := write(b); err != nil {
		return err
	}
	return b.Flush()
}

// field is one property of a feature or one column of a table; an ordered list keeps files readable and equal.
type field struct {
	name  string
	value string
}

func names(n Name) []field { return []field{{"name_en", n.En}, {"name_zh", n.Zh}} }

// collection writes a GeoJSON FeatureCollection, one feature to a line. Empty fields are left out.
type collection struct {
	out   io.Writer
	count int
	err   error
}

func (c *collection) add(g Geometry, fields ...field) {
	if c.err != nil {
		return
	}
	var line []byte
	if c.count++; c.count == 1 {
		line = append(line, "{\"type\":\"FeatureCollection\",\"features\":[\n"...)
	} else {
		line = append(line, ",\n"...)
	}
	line = append(line, `{"type":"Feature","properties":{`...)
	first := true
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		if !first {
			line = append(line, ',')
		}
		first = false
		line = append(appendJSON(line, f.name), ':')
		line = appendJSON(line, f.value)
	}
	line = append(line, `},"geometry":`...)
	line = g.appendJSON(line)
	_, c.err = c.out.Write(append(line, '}'))
}

func (c *collection) end() error {
	if c.err == nil {
		_, c.err = io.WriteString(c.out, "\n]}\n")
	}
	return c.err
}

func appendJSON(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string always marshals
	}
	return append(b, text...)
}

func (g Geometry) appendJSON(b []byte) []byte {
	b = append(b, `{"type":"`+g.Type+`","coordinates":`...)
	position := func(p LonLat) {
		b = append(b, '[')
		b = strconv.AppendFloat(b, p[0], 'f', -1, 64)
		b = append(b, ',')
		b = strconv.AppendFloat(b, p[1], 'f', -1, 64)
		b = append(b, ']')
	}
	line := func(l []LonLat) {
		b = append(b, '[')
		for k, p := range l {
			if k > 0 {
				b = append(b, ',')
			}
			position(p)
		}
		b = append(b, ']')
	}
	switch g.Type {
	case "Point":
		position(g.Lines[0][0])
	case "LineString":
		line(g.Lines[0])
	default:
		b = append(b, '[')
		for k, l := range g.Lines {
			if k > 0 {
				b = append(b, ',')
			}
			if g.Type == "MultiPolygon" {
				b = append(b, '[')
			}
			line(l)
			if g.Type == "MultiPolygon" {
				b = append(b, ']')
			}
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func (w *World) writeAreas(out io.Writer) error {
	c := collection{out: out}
	for _, a := range w.Areas {
		fields := append([]field{{"external_id", a.ID}, {"level", a.Level}, {"parent", a.Parent}}, names(a.Name)...)
		if a.Residents > 0 {
			fields = append(fields, field{"residents", strconv.Itoa(a.Residents)}, field{"residents_year", strconv.Itoa(residentsYear)}, field{"residents_source", ResidentsSource})
		}
		c.add(a.Geometry, fields...)
	}
	return c.end()
}

func (w *World) writePlaces(out io.Writer) error {
	c := collection{out: out}
	for _, p := range w.Places {
		c.add(p.Geometry, append([]field{{"external_id", p.ID}, {"kind", p.Kind}}, names(p.Name)...)...)
	}
	return c.end()
}

func (w *World) writeAssets(out io.Writer) error {
	c := collection{out: out}
	for _, a := range w.Assets {
		c.add(a.Geometry, append([]field{
			{"external_id", a.ID}, {"kind", a.Kind}, {"place", a.Place}, {"organisation", a.Organisation},
			{"upstream", strings.Join(a.Upstream, "; ")},
		}, names(a.Name)...)...)
	}
	return c.end()
}

func (w *World) writeRoads(out io.Writer) error {
	c := collection{out: out}
	for _, r := range w.Roads {
		bridge := ""
		if r.Bridge {
			bridge = "yes"
		}
		c.add(r.Geometry, append([]field{{"external_id", r.ID}, {"class", r.Class}, {"bridge", bridge}}, names(r.Name)...)...)
	}
	return c.end()
}

func (w *World) writeBase(out io.Writer) error {
	c := collection{out: out}
	for _, f := range w.Base {
		c.add(f.Geometry, append([]field{{"kind", f.Kind}}, names(f.Name)...)...)
	}
	return c.end()
}

// table writes CSV with a header.
func table(out io.Writer, header []string, rows func(row func(...string))) error {
	c := csv.NewWriter(out)
	err := c.Write(header)
	rows(func(cells ...string) {
		if err == nil {
			err = c.Write(cells)
		}
	})
	c.Flush()
	if err == nil {
		err = c.Error()
	}
	return err
}

func (w *World) writeOrganisations(out io.Writer) error {
	return table(out, []string{"external_id", "kind", "name_en", "name_zh", "parent"}, func(row func(...string)) {
		for _, o := range w.Organisations {
			row(o.ID, o.Kind, o.Name.En, o.Name.Zh, o.Parent)
		}
	})
}

func (w *World) writeDuties(out io.Writer) error {
	return table(out, []string{"kind", "organisation", "area", "place", "asset"}, func(row func(...string)) {
		for _, d := range w.Duties {
			row(d.Kind, d.Organisation, d.Area, d.Place, d.Asset)
		}
	})
}

func (w *World) writeDatastreams(out io.Writer) error {
	return table(out, []string{"external_id", "asset", "property", "unit", "name_en", "name_zh", "interval_seconds"}, func(row func(...string)) {
		for _, d := range w.Datastreams {
			row(d.ID, d.Asset, d.Property, d.Unit, d.Name.En, d.Name.Zh, strconv.Itoa(int(d.Interval.Seconds())))
		}
	})
}
