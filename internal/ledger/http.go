package ledger

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
)

type listInput struct {
	Subject   string `query:"subject" doc:"only entries about things of this type, such as case"`
	SubjectID int64  `query:"subject_id" doc:"with subject: only entries about this one"`
	After     int64  `query:"after" doc:"next of the page before"`
	Limit     int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type listOutput struct {
	Body struct {
		Items []item `json:"items"`
		Next  int64  `json:"next,omitempty" doc:"give it as after to get older entries"`
	}
}

type item struct {
	ID     int64           `json:"id"`
	Index  *int64          `json:"index" doc:"place in the tree; null for the moment until it has one"`
	Record json.RawMessage `json:"record" doc:"what was recorded; null if it was erased"`
	Leaf   []byte          `json:"leaf" doc:"SHA-256 of salt and record"`
	Salt   []byte          `json:"salt,omitempty"`
	Erased bool            `json:"erased"`
}

// Routes adds the list, for those who may read it, and what outsiders need in order to verify, for everyone.
func (s *Service) Routes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "list-ledger", Method: http.MethodGet, Path: "/api/v1/ledger", Tags: []string{"ledger"},
		Summary: "Who decided what, newest first",
	}, s.list)
	r.HandleFunc("GET /ledger/checkpoint", text(func(ctx context.Context, _ int64) (string, error) { return s.Checkpoint(ctx) }, ""))
	r.HandleFunc("GET /ledger/key", text(func(context.Context, int64) (string, error) { return s.key + "\n", nil }, ""))
	r.HandleFunc("GET /ledger/proof/{index}", text(s.Proof, "index"))
	r.HandleFunc("GET /ledger/consistency/{from}", text(s.Consistency, "from"))
}

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	if s.mayRead == nil {
		return nil, web.Errorf(http.StatusForbidden, "access.denied", "nobody may list the ledger here")
	}
	if err := s.mayRead(ctx); err != nil {
		return nil, err
	}
	var ls []stored
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		ls, err = listed(tx, in.Subject, in.SubjectID, in.After, in.Limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Items = make([]item, len(ls))
	for i, l := range ls {
		x := item{ID: l.ID, Record: l.Record, Leaf: l.Leaf.Leaf, Salt: l.Salt, Erased: l.Record == nil}
		if l.Index >= 0 {
			x.Index = &l.Index
		}
		out.Body.Items[i] = x
	}
	if len(ls) == in.Limit {
		out.Body.Next = ls[len(ls)-1].ID
	}
	return out, nil
}

// text answers with plain text that changes each second: nobody may keep it. param names the number in the path, if any.
func text(fn func(context.Context, int64) (string, error), param string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var n int64
		if param != "" {
			var err error
			if n, err = strconv.ParseInt(r.PathValue(param), 10, 64); err != nil {
				web.WriteError(w, r, web.Errorf(http.StatusBadRequest, "ledger.not_a_number", "%q is not a number", r.PathValue(param)).At(param))
				return
			}
		}
		s, err := fn(r.Context(), n)
		if err != nil {
			web.WriteError(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		io.WriteString(w, s)
	}
}
