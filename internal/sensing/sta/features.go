package sta

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/peterstace/simplefeatures/geom"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/sensing"
)

// features is what is kept in memory about the FeaturesOfInterest of readings, so that a reading of a known datastream
// needs no look into the catalogue. It is changed after each commit, in the order of commits, and is never ahead of SQL.
type features struct {
	mu      sync.RWMutex
	own     map[int64]int64       // the feature of readings that name none, by datastream
	pairs   map[[2]int64]struct{} // (datastream, feature) that sta_datastream_features has; not all of them
	closing map[int64]int         // features whose deletion is under way, by how many: they take no new readings
}

// maxPairs bounds the memory for pairs, about 50 bytes each. Beyond it they are learnt anew.
const maxPairs = 1_000_000

func (f *features) reset() {
	f.own, f.pairs, f.closing = map[int64]int64{}, map[[2]int64]struct{}{}, map[int64]int{}
}

// load reads the feature of each datastream.
func (f *features) load(tx *db.Tx) error {
	return tx.Each(func(rows *sql.Rows) error {
		var datastream, feature int64
		if err := rows.Scan(&datastream, &feature); err != nil {
			return err
		}
		f.own[datastream] = feature
		f.pairs[[2]int64{datastream, feature}] = struct{}{}
		return nil
	}, "select id, feature from sta_datastreams where feature <> 0")
}

// of is the feature for a reading that names none, if it is known.
func (f *features) of(datastream int64) (int64, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	id, ok := f.own[datastream]
	return id, ok
}

// known says whether readings of the datastream may have the feature.
func (f *features) known(datastream, feature int64) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, ok := f.pairs[[2]int64{datastream, feature}]
	return ok
}

func (f *features) closed(feature int64) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, yes := f.closing[feature]
	return yes
}

func (f *features) learn(datastream, feature int64, own bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, gone := f.closing[feature]; gone {
		return
	}
	if len(f.pairs) >= maxPairs {
		clear(f.pairs)
	}
	f.pairs[[2]int64{datastream, feature}] = struct{}{}
	if own {
		f.own[datastream] = feature
	}
}

// forget drops the feature of datastreams, since their Thing is elsewhere now or they are gone.
func (f *features) forget(datastreams []int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range datastreams {
		delete(f.own, d)
	}
}

// close drops a feature that is about to be deleted; until open is called no reading takes it.
func (f *features) close(feature int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closing[feature]++
	for d, own := range f.own {
		if own == feature {
			delete(f.own, d)
		}
	}
	for pair := range f.pairs {
		if pair[1] == feature {
			delete(f.pairs, pair)
		}
	}
}

func (f *features) open(feature int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing[feature]--; f.closing[feature] == 0 {
		delete(f.closing, feature)
	}
}

// featureOf is the feature of a datastream's readings that name none: it is derived from the Location of the Thing, one for
// each Location, when the first such reading comes.
func (c *change) featureOf(datastream int64) (int64, error) {
	if feature, ok := c.own[datastream]; ok {
		return feature, nil
	}
	feature, err := c.findFeature(datastream)
	if err == nil {
		c.own[datastream] = feature
	}
	return feature, err
}

func (c *change) findFeature(datastream int64) (int64, error) {
	var feature, thing int64
	err := c.QueryRow("select feature, thing from sta_datastreams where id = $1", datastream).Scan(&feature, &thing)
	if errors.Is(err, db.ErrNotFound) {
		return 0, missing(setDatastreams, datastream)
	}
	if err != nil || feature != 0 && !c.s.features.closed(feature) {
		return feature, err
	}
	location, err := c.placeOf(thing)
	if err != nil {
		return 0, err
	}
	if feature, err = c.featureAt(location); err != nil {
		return 0, err
	}
	if _, err := c.Exec("update sta_datastreams set feature = $1 where id = $2", feature, datastream); err != nil {
		return 0, fmt.Errorf("keep the feature of datastream %d: %w", datastream, err)
	}
	c.AfterCommit(func() { c.s.features.learn(datastream, feature, true) })
	return feature, c.observe(datastream, feature)
}

// placeOf is the Location that says where a Thing is: GeoJSON before other encodings.
func (c *change) placeOf(thing int64) (int64, error) {
	best, bestGeo := int64(0), false
	rows, err := c.Query(`select l.id, l.encoding_type from sta_thing_locations tl join sta_locations l on l.id = tl.location
		where tl.thing = $1 order by l.id nulls last`, thing)
	if err != nil {
		return 0, fmt.Errorf("where Thing %d is: %w", thing, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var encoding string
		if err := rows.Scan(&id, &encoding); err != nil {
			return 0, err
		}
		if geo := isGeoJSON(encoding); best == 0 || geo && !bestGeo {
			best, bestGeo = id, geo
		}
	}
	if err := rows.Err(); err != nil || best != 0 {
		return best, err
	}
	return 0, web.Errorf(http.StatusBadRequest, "sensing.no_location",
		"Thing %d has no Location, so FeatureOfInterest can't be derived; send one or add a Location", thing)
}

// featureAt is the feature that stands for a Location, which is made when it is needed.
func (c *change) featureAt(location int64) (int64, error) {
	var feature int64
	if err := c.QueryRow("select feature from sta_locations where id = $1", location).Scan(&feature); err != nil {
		return 0, fmt.Errorf("the feature of Location %d: %w", location, err)
	}
	if feature != 0 && !c.s.features.closed(feature) {
		return feature, nil
	}
	from, k := kindOf(setLocations), kindOf(setFeatures)
	have, err := c.load(from, location)
	if err != nil {
		return 0, err
	}
	cells := make([]cell, len(k.columns))
	for i, col := range k.columns {
		switch col.property {
		case "feature":
			cells[i] = *cellOf(from, have, "location")
		case "properties": // those of a Location may tell of the Thing, not of the feature
		default:
			cells[i] = *cellOf(from, have, col.property)
		}
	}
	if feature, err = c.insert(k, cells); err != nil {
		return 0, err
	}
	c.note(k, feature, sensing.Created, cells, nil)
	_, err = c.Exec("update sta_locations set feature = $1 where id = $2", feature, location)
	return feature, err
}

// observe notes that a datastream has readings of a feature, which must exist, and widens what the datastream observes.
func (c *change) observe(datastream, feature int64) error {
	p := pair{datastream, feature}
	if _, done := c.pairs[p]; done {
		return nil
	}
	if c.s.features.closed(feature) {
		return web.Errorf(http.StatusConflict, "sensing.closing", "FeatureOfInterest %d is being deleted", feature)
	}
	res, err := c.Exec(`insert into sta_datastream_features (datastream, feature) values ($1, $2)
		on conflict (datastream, feature) do nothing`, datastream, feature)
	if err != nil {
		return fmt.Errorf("note that datastream %d observes feature %d: %w", datastream, feature, err)
	}
	c.pairs[p] = struct{}{}
	c.AfterCommit(func() { c.s.features.learn(datastream, feature, false) })
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return c.widen(datastream, feature)
}

// widen sets the observed area to the box around all features observed, unless a client said what it is.
func (c *change) widen(datastream, feature int64) error {
	var area string
	err := c.QueryRow("select observed_area from sta_datastreams where id = $1 and area_given = 0", datastream).Scan(&area)
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	var sides [4]*float64
	if err == nil {
		err = c.QueryRow("select min_x, min_y, max_x, max_y from sta_features where id = $1", feature).
			Scan(&sides[0], &sides[1], &sides[2], &sides[3])
	}
	if err != nil {
		return fmt.Errorf("the area that datastream %d observes: %w", datastream, err)
	}
	if sides[0] == nil {
		return nil
	}
	b := box{*sides[0], *sides[1], *sides[2], *sides[3]}
	if before, err := geom.UnmarshalGeoJSON([]byte(area)); err == nil {
		if lo, hi, ok := before.Envelope().MinMaxXYs(); ok {
			b = box{min(b.minX, lo.X), min(b.minY, lo.Y), max(b.maxX, hi.X), max(b.maxY, hi.Y)}
		}
	}
	if b.geoJSON() == area {
		return nil
	}
	if _, err := c.Exec("update sta_datastreams set observed_area = $1 where id = $2", b.geoJSON(), datastream); err != nil {
		return fmt.Errorf("widen the area that datastream %d observes: %w", datastream, err)
	}
	k := kindOf(setDatastreams)
	cells, err := c.load(k, datastream)
	if err != nil {
		return err
	}
	c.note(k, datastream, sensing.Updated, cells, []string{"observedArea"})
	return nil
}

// geoJSON is the box as a polygon, or as what it is when it has no width or height.
func (b box) geoJSON() string {
	point := func(x, y float64) string {
		return "[" + strconv.FormatFloat(x, 'f', -1, 64) + "," + strconv.FormatFloat(y, 'f', -1, 64) + "]"
	}
	lo, hi := point(b.minX, b.minY), point(b.maxX, b.maxY)
	switch {
	case lo == hi:
		return `{"type":"Point","coordinates":` + lo + `}`
	case b.minX == b.maxX || b.minY == b.maxY:
		return `{"type":"LineString","coordinates":[` + lo + "," + hi + `]}`
	}
	return `{"type":"Polygon","coordinates":[[` + lo + "," + point(b.maxX, b.minY) + "," + hi + "," + point(b.minX, b.maxY) + "," + lo + `]]}`
}
