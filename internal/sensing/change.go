package sensing

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Op is what happened to an entity.
type Op uint8

// The operations.
const (
	Created Op = iota + 1
	Updated
	Deleted
)

// Entity is the change of an entity of the catalogue, for those who follow the log.
type Entity struct {
	Set    string // "Things"
	ID     int64
	Op     Op
	Body   []byte   // the entity afterwards as flat JSON, without links; nil when deleted
	Fields []string // the properties that changed; nil for all
	Links  []Link   // whom it belongs to
}

// Link names an entity that another one belongs to.
type Link struct {
	Set string // "Things"
	ID  int64
}

// Amendment is the change of a reading that was stored. Detectors do not run again for it.
type Amendment struct {
	Before, After Stored
	Deleted       bool // After is then the zero value
}

// Tx is one change of the catalogue and of readings: one transaction, and one row of the log. It is good only within the
// function that it was given to.
type Tx struct {
	*db.Tx
	s      *Service
	ctx    context.Context
	source *source
	name   string // the source's

	job    job
	row    logRow
	made   []*stream
	moved  map[int64]Datastream
	recast map[*stream]map[*lane]int64 // streams whose chunks were amended, and how many readings were deleted of each lane
	after  []func()                    // once all is on disk, under mu
}

// Change runs fn in one transaction, in which it may write its own tables, readings and amendments. All of it happens or
// nothing. fn must be quick: the writer waits for it. It is called once.
func (s *Service) Change(ctx context.Context, sourceName string, fn func(t *Tx) error) error {
	src, err := s.source(ctx, sourceName)
	if err != nil {
		return err
	}
	t := &Tx{s: s, ctx: ctx, source: src, name: sourceName, moved: map[int64]Datastream{}}
	return s.do(ctx, &t.job, t.run(fn))
}

// run is the change as the writer carries it out.
func (t *Tx) run(fn func(t *Tx) error) func(tx *db.Tx) error {
	return func(tx *db.Tx) error {
		t.Tx = tx
		if err := fn(t); err != nil {
			return err
		}
		return t.finish()
	}
}

// finish writes the change's row of the log, and has memory follow once it is on disk, all at once.
func (t *Tx) finish() error {
	if err := t.settleChunks(); err != nil {
		return err
	}
	row := &t.row
	if len(row.batches)+len(row.amended)+len(row.entities) > 0 {
		if err := t.s.insert(t.Tx, row); err != nil {
			return err
		}
	}
	t.AfterCommit(func() {
		s := t.s
		s.mu.Lock()
		defer s.mu.Unlock()
		s.adopt(t.made)
		for id, d := range t.moved {
			s.rename(id, d)
		}
		if row.seq != 0 {
			s.applyLocked(row)
		}
		for _, fn := range t.after {
			fn()
		}
		s.forget(t.job.closed) // after all that counts, since it counts what is left
		if row.seq != 0 {
			s.keepRecent(row)
			s.announce()
		}
	})
	return nil
}

// rename gives a stream another identity. The caller holds mu.
func (s *Service) rename(id int64, d Datastream) {
	if st := s.streams[id]; st != nil {
		delete(s.byExternal, st.ExternalID)
		st.Datastream = d
		s.byExternal[d.ExternalID] = st
	}
}

// Note adds an entity's change to what those who follow the log will see.
func (t *Tx) Note(e Entity) { t.row.entities = append(t.row.entities, e) }

// Append takes readings, all or none: an error names the first that can't be taken.
func (t *Tx) Append(rs []Reading) (ids []int64, err error) {
	s := t.s
	if len(rs) > maxRow {
		return nil, tooMany(len(rs))
	}
	req := &request{streams: make([]*stream, 0, len(rs))}
	req.batch = batch{source: t.source.id, entries: make([]entry, 0, len(rs))}
	req.receipt.IDs = make([]int64, len(rs))
	now := s.Clock.Now()
	for i, r := range rs {
		of := t.stream(r.Datastream)
		if of == nil {
			return nil, unknownDatastream(r.Datastream)
		}
		err := s.Access.Decide(t.ctx, "reading.append",
			access.Resource{Type: "datastream", ID: of.ID, Source: t.name, Name: of.ExternalID}, access.Operations)
		if err != nil {
			return nil, err
		}
		declared, _ := s.Property(of.Property)
		if code, message := r.check(of, declared); code != "" {
			return nil, web.Errorf(http.StatusUnprocessableEntity, code, "%s", message).At(fmt.Sprintf("[%d]", i))
		}
		r.mark(of, declared, now)
		req.add(of, pack(r), i)
	}
	if found := s.compareHeads(req, s.suspect(req)); len(found) > 0 {
		err := s.compareChunks(func(fn func(*db.Tx) error) error { return fn(t.Tx) }, req, found)
		if err != nil {
			return nil, err
		}
	}
	if err := s.numberAll(t.Tx, req, &t.job); err != nil {
		return nil, err
	}
	t.row.batches = append(t.row.batches, req.batch)
	return req.receipt.IDs, nil
}

// stream is a datastream as this change sees it, nil if there is none.
func (t *Tx) stream(id int64) *stream {
	i := slices.IndexFunc(t.made, func(st *stream) bool { return st.ID == id })
	if i >= 0 && !t.made[i].closed {
		return t.made[i]
	}
	t.s.mu.RLock()
	defer t.s.mu.RUnlock()
	if st := t.s.streams[id]; st != nil && !st.closed {
		return st
	}
	return nil
}

// AddDatastream makes a datastream and returns its id. Without an ExternalID it is called after its id.
func (t *Tx) AddDatastream(d Datastream) (int64, error) {
	st, err := insertDatastream(t.Tx, d, t.s.Clock.Now())
	if err != nil {
		return 0, err
	}
	t.made = append(t.made, st)
	return st.ID, nil
}

// SetDatastream changes all of a datastream but its id. One that stands in a home stays there: what it has measured would
// else be shown as that of another place.
func (t *Tx) SetDatastream(d Datastream) error {
	st := t.stream(d.ID)
	if st == nil {
		return unknownDatastream(d.ID)
	}
	if was, _ := t.Datastream(d.ID); was.Asset != d.Asset && was.Asset != 0 && t.s.Asset(was.Asset).Home {
		return web.Errorf(http.StatusConflict, "sensing.home",
			"the datastream %d stands in a home and can't be moved to another asset: make a new datastream there", d.ID)
	}
	if err := updateDatastream(t.Tx, d); err != nil {
		return err
	}
	if slices.Contains(t.made, st) {
		st.Datastream = d
		return nil
	}
	t.moved[d.ID] = d
	return nil
}

// Datastream is a datastream as this change sees it.
func (t *Tx) Datastream(id int64) (Datastream, bool) {
	st := t.stream(id)
	if st == nil {
		return Datastream{}, false
	}
	if d, ok := t.moved[id]; ok {
		return d, true
	}
	t.s.mu.RLock()
	defer t.s.mu.RUnlock()
	return st.Datastream, true
}

// DeleteDatastream deletes a datastream with all its readings. What still waits to be written to it is refused. The chunks
// go later, some at a time: nobody can reach them any more.
func (t *Tx) DeleteDatastream(id int64) error {
	st := t.stream(id)
	if st == nil {
		return unknownDatastream(id)
	}
	st.closed = true
	t.job.closed = append(t.job.closed, st)
	return removeDatastream(t.Tx, id)
}

func unknownDatastream(id int64) *web.Error {
	return web.Errorf(http.StatusNotFound, "sensing.unknown_datastream", "there is no datastream with the id %d", id)
}
