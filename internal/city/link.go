package city

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/platform/db"
)

// Upstream and Downstream are the assets that feed an asset and those that it feeds, in the order of their ids. They answer
// from memory; the slices are not to be changed.
func (s *Service) Upstream(asset int64) []int64 { return s.picture.Load().upstream[asset] }

// Downstream: see Upstream.
func (s *Service) Downstream(asset int64) []int64 { return s.picture.Load().downstream[asset] }

// neighbours are an asset's neighbours with their names, by external id.
func (s *Service) neighbours(asset int64) (upstream, downstream []Neighbour) {
	p := s.picture.Load()
	named := func(ids []int64) []Neighbour {
		out := make([]Neighbour, 0, len(ids))
		for _, id := range ids {
			a := p.assets[id]
			out = append(out, Neighbour{id, a.AssetKey, a.Kind, a.AssetName})
		}
		slices.SortFunc(out, func(a, b Neighbour) int { return cmp.Compare(a.ExternalID, b.ExternalID) })
		return out
	}
	return named(p.upstream[asset]), named(p.downstream[asset])
}

// keysText is the form in which several external ids are one field's text: a JSON list in order, empty for none.
func keysText(keys []string) string {
	if len(keys) == 0 {
		return ""
	}
	slices.Sort(keys)
	return jsonList(slices.Compact(keys))
}

// keysOf are the external ids in a field's text.
func keysOf(text string) (keys []string) {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &keys); err != nil {
		panic(err) // keysText wrote it
	}
	return keys
}

// references reads several external ids: a JSON list of them, or text with semicolons between them.
func (d *decoder) references(c tabular.Cell, f field) string {
	var keys []string
	if c.JSON || strings.HasPrefix(c.Text, "[") {
		var list []any
		dec := json.NewDecoder(strings.NewReader(c.Text))
		dec.UseNumber()
		err := dec.Decode(&list)
		if err != nil || dec.More() {
			d.problem(c.Line, c.Column, f.name, "expected external ids as a list such as [\"P1\", \"P2\"] or as P1; P2, got %s", shorten(c.Text))
			return ""
		}
		for _, v := range list {
			switch v := v.(type) {
			case string:
				keys = append(keys, v)
			case json.Number:
				keys = append(keys, v.String())
			default:
				d.problem(c.Line, c.Column, f.name, "expected a list of external ids, got %s", shorten(c.Text))
				return ""
			}
		}
	} else {
		keys = strings.FieldsFunc(c.Text, isSeparator)
	}
	before := len(d.problems)
	for i, key := range keys {
		keys[i] = strings.TrimSpace(key)
		at := c
		at.Text = keys[i]
		if d.text(at, f.name, maxKey); keys[i] == "" {
			d.problem(c.Line, c.Column, f.name, "one of the external ids is empty")
		}
	}
	if len(keys) > MaxUpstream {
		d.problem(c.Line, c.Column, f.name, "%d external ids, at most %d", len(keys), MaxUpstream)
	}
	if len(d.problems) > before {
		return ""
	}
	return keysText(keys)
}

// isSeparator says whether a character parts external ids: the semicolon, and the one of Chinese input methods.
func isSeparator(r rune) bool { return r == ';' || r == '；' }

// exportKeys writes several external ids so that references reads them back.
func exportKeys(f tabular.Format, text string) tabular.Cell {
	keys := keysOf(text)
	plain := !slices.ContainsFunc(keys, func(k string) bool {
		_, looks := guard.Value(strings.Join(keys, "; "))
		return looks || strings.ContainsFunc(k, isSeparator) || strings.HasPrefix(k, "[")
	})
	switch {
	case len(keys) == 0:
		return tabular.Cell{}
	case f == tabular.GeoJSON:
		return tabular.Cell{Text: text, JSON: true}
	case plain:
		return tabular.Cell{Text: strings.Join(keys, "; ")}
	}
	return tabular.Cell{Text: text}
}

// links refuses an asset that feeds itself, and two of one kind that feed each other: the one or the other was entered the
// wrong way round. Longer circles are taken, since networks have loops.
func (c *checker) links(drafts []draft) {
	up, kind := c.list.index("upstream"), c.list.index("kind")
	inFile := make(map[string]*draft, len(drafts))
	for i := range drafts {
		inFile[drafts[i].values[0]] = &drafts[i]
	}
	now := func(key string) *record {
		if d := inFile[key]; d != nil {
			return &d.record
		}
		return c.have.stored[key]
	}
	for i := range drafts {
		d := &drafts[i]
		self := d.values[0]
		for _, key := range keysOf(d.values[up]) {
			if key == self {
				c.problem(d, "upstream", "%q can't feed itself", self)
				continue
			}
			other := now(key)
			if other == nil || other.values[kind] != d.values[kind] || !slices.Contains(keysOf(other.values[up]), self) {
				continue
			}
			if inFile[key] != nil && key < self {
				continue // it is told there
			}
			c.problem(d, "upstream", "%q and %q, both %s, would feed each other: one of them is entered the wrong way round", key, self, d.values[kind])
		}
	}
}

// readUpstream fills in which assets feed those of a page, whose ids are above from and at most to.
func readUpstream(tx *db.Tx, l *list, page []*record, from, to int64) error {
	keys := map[int64][]string{}
	err := tx.Each(func(rows *sql.Rows) error {
		var id int64
		var key string
		err := rows.Scan(&id, &key)
		keys[id] = append(keys[id], key)
		return err
	}, `select k.downstream, u.external_id from city_asset_links k join city_assets u on u.id = k.upstream
		where k.downstream > $1 and k.downstream <= $2 order by k.id nulls last`, from, to)
	if err != nil {
		return fmt.Errorf("links of assets: %w", err)
	}
	up := l.index("upstream")
	for _, r := range page {
		r.values[up] = keysText(keys[r.id])
	}
	return nil
}

// putUpstream comes after all rows are there, since a file may name the asset that is fed first.
func putUpstream(tx *db.Tx, l *list, changes []change) error {
	var old []int64
	for _, c := range changes {
		if !c.added {
			old = append(old, c.id)
		}
	}
	if len(old) > 0 {
		if _, err := tx.Exec("delete from city_asset_links where downstream in (select cast(value as bigint) from json_list($1))", jsonList(old)); err != nil {
			return fmt.Errorf("write links of assets: %w", err)
		}
	}
	for _, c := range changes {
		text := l.get(&c.record, "upstream")
		if text == "" {
			continue
		}
		_, err := tx.Exec(`insert into city_asset_links (upstream, downstream)
			select u.id, d.id from city_assets u, city_assets d
			where u.external_id in (select value from json_list($1)) and d.external_id = $2`, text, c.values[0])
		if err != nil {
			return fmt.Errorf("write links of assets: %w", err)
		}
	}
	return nil
}

// readLinks fills in the picture's links.
func (s store) readLinks(ctx context.Context, p *picture) error {
	err := s.pages(ctx, func(tx *db.Tx, after int64) (last int64, n int, err error) {
		err = tx.Each(func(rows *sql.Rows) error {
			var up, down int64
			err := rows.Scan(&last, &up, &down)
			p.upstream[down], p.downstream[up] = append(p.upstream[down], up), append(p.downstream[up], down)
			n++
			return err
		}, "select id, upstream, downstream from city_asset_links where id > $1 order by id nulls last limit $2", after, pageRows)
		return last, n, err
	})
	for _, links := range []map[int64][]int64{p.upstream, p.downstream} {
		for _, ids := range links {
			slices.Sort(ids)
		}
	}
	if err != nil {
		return fmt.Errorf("links of assets: %w", err)
	}
	return nil
}
