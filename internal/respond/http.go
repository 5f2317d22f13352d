package respond

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/inspect"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

type (
	caseIn struct {
		ID int64 `path:"id"`
	}
	caseOut struct{ Body *CasePage }

	linesIn struct {
		ID     int64 `path:"id"`
		Before int64 `query:"before" minimum:"0" doc:"lines before this one only"`
		Limit  int   `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	}
	linesOut struct{ Body *TimelinePage }

	listIn struct {
		State string `query:"state" enum:"open,all" default:"open"`
		Kind  string `query:"kind" doc:"one kind of case only"`
		Owner string `query:"owner" doc:"those that one organisation has; 0 is the city's own watch"`
		Post  string `query:"post" doc:"those that this post of their owner has"`
		Late  bool   `query:"overdue" doc:"those past the limit of a state, or of a promise across states"`
		List  bool   `query:"listed" doc:"those whose supervision is listed"`
		Of    int64  `query:"parent" doc:"the parts of this case"`
		After int64  `query:"after" doc:"the next of the page before"`
		Limit int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
	}
	listOut struct{ Body CaseList }

	totalsIn struct {
		Kind string `query:"kind" required:"true" doc:"a kind whose cases are private"`
	}
	totalsOut struct{ Body TotalList }

	moveIn struct {
		PostHead
		Body MoveRequest
	}
	noteIn struct {
		PostHead
		Body NoteRequest
	}
	taskIn struct {
		PostHead
		Body TaskRequest
	}
	taskPath struct {
		PostHead
		Task int64 `path:"task"`
	}
	doneIn struct {
		PostHead
		Task int64 `path:"task"`
		Body *FinishedTask
	}
	askIn struct {
		PostHead
		Ask  int64 `path:"ask"`
		Body Decision
	}
	partyIn struct {
		PostHead
		Body PartyRequest
	}
	newIn struct {
		Key      string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
		Language string `header:"Accept-Language"`
		Body     NewCase
	}
	wordsOut  struct{ Body []PrivateWords }
	findingIn struct {
		Key  string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once"`
		Body inspect.Draft
	}
	findingOut struct{ Body RecordedFinding }
)

// PostHead is what every POST on a case has beside its body.
type PostHead struct {
	ID       int64  `path:"id"`
	Key      string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
	Language string `header:"Accept-Language"`
}

// CaseList is a page of cases.
type CaseList struct {
	Items []CaseView `json:"items"`
	Next  int64      `json:"next,omitempty"`
}

// FinishedTask is what came of a task.
type FinishedTask struct {
	Answer string `json:"answer,omitempty" doc:"what came of it"`
}

// TotalList are the totals of private cases.
type TotalList struct {
	Towns []TownTotal `json:"towns"`
}

// NoteRequest asks for a remark.
type NoteRequest struct {
	Text string `json:"text"`
}

// RecordedFinding is a finding with the case that it opened.
type RecordedFinding struct {
	Finding inspect.View `json:"finding"`
	Case    CaseView     `json:"case"`
}

// Routes adds the room's operations.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/cases", OperationID: "list-cases", Summary: "Cases, newest first",
	}, func(ctx context.Context, in *listIn) (*listOut, error) {
		f := Filter{Open: in.State == "open", Kind: in.Kind, Post: in.Post, Overdue: in.Late, Listed: in.List, Parent: in.Of, Before: in.After, Limit: in.Limit}
		if in.Owner != "" {
			n, err := strconv.ParseInt(in.Owner, 10, 64)
			if err != nil || n < 0 {
				return nil, web.Errorf(http.StatusUnprocessableEntity, "web.invalid", "expected the number of an organisation, got %q", in.Owner).At("owner")
			}
			f.Owner = &n
		}
		found, next, err := s.Cases(ctx, f)
		if err != nil {
			return nil, err
		}
		return &listOut{CaseList{found, next}}, nil
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/cases/totals", OperationID: "total-cases",
		Summary: "How many private cases of a kind there were in each town that had ten or more",
	}, func(ctx context.Context, in *totalsIn) (*totalsOut, error) {
		towns, err := s.Totals(ctx, in.Kind)
		return &totalsOut{TotalList{towns}}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/cases/kinds", OperationID: "list-case-kinds", Summary: "The kinds of case that a person can open",
	}, func(ctx context.Context, _ *struct{}) (*struct{ Body KindList }, error) {
		list, err := s.Offered(ctx)
		return &struct{ Body KindList }{list}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/cases/{id}", OperationID: "get-case",
		Summary: "A case with its timeline, tasks, evidence and the moves that can be made now",
	}, func(ctx context.Context, in *caseIn) (*caseOut, error) {
		c, err := s.Case(ctx, in.ID)
		return &caseOut{c}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/cases/{id}/timeline", OperationID: "case-timeline", Summary: "Earlier lines of a case's timeline than its page holds",
	}, func(ctx context.Context, in *linesIn) (*linesOut, error) {
		p, err := s.Lines(ctx, in.ID, in.Before, in.Limit)
		return &linesOut{p}, err
	})
	post(s, api, "/moves", "move-case", "Move a case to another state", func(ctx context.Context, in *moveIn) (PostHead, Receipt, error) {
		done, err := s.Move(ctx, in.ID, in.Body, in.Key)
		return in.PostHead, done, err
	})
	post(s, api, "/notes", "note-on-case", "Add a remark", func(ctx context.Context, in *noteIn) (PostHead, Receipt, error) {
		done, err := s.Note(ctx, in.ID, in.Body.Text, in.Key)
		return in.PostHead, done, err
	})
	post(s, api, "/tasks", "give-task", "Give a task to an organisation or a post", func(ctx context.Context, in *taskIn) (PostHead, Receipt, error) {
		done, err := s.OpenTask(ctx, in.ID, in.Body, in.Key)
		return in.PostHead, done, err
	})
	post(s, api, "/tasks/{task}/done", "finish-task", "Say that a task is done", func(ctx context.Context, in *doneIn) (PostHead, Receipt, error) {
		answer := ""
		if in.Body != nil {
			answer = in.Body.Answer
		}
		done, err := s.FinishTask(ctx, in.ID, in.Task, answer, in.Key)
		return in.PostHead, done, err
	})
	post(s, api, "/tasks/{task}/acknowledge", "acknowledge-task", "Take a task on", func(ctx context.Context, in *taskPath) (PostHead, Receipt, error) {
		done, err := s.AcknowledgeTask(ctx, in.ID, in.Task, in.Key)
		return in.PostHead, done, err
	})
	post(s, api, "/asks/{ask}/decision", "decide-ask", "Grant or refuse a move that somebody else asked for", func(ctx context.Context, in *askIn) (PostHead, Receipt, error) {
		done, err := s.DecideAsk(ctx, in.ID, in.Ask, in.Body, in.Key)
		return in.PostHead, done, err
	})
	post(s, api, "/parties", "invite-party", "Invite an organisation to take part", func(ctx context.Context, in *partyIn) (PostHead, Receipt, error) {
		done, err := s.InviteByHand(ctx, in.ID, in.Body, in.Key)
		return in.PostHead, done, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/cases", OperationID: "open-case", Summary: "Open a case by hand",
	}, func(ctx context.Context, in *newIn) (*caseOut, error) {
		done, err := s.OpenByHand(ctx, in.Body, in.Key)
		if err != nil {
			return nil, boundary(err, in.Language)
		}
		c, err := s.Case(ctx, done.Case)
		return &caseOut{c}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodGet, Path: "/api/v1/cases/{id}/words", OperationID: "open-words",
		Summary: "What people wrote in a private case, out of the vault; each opening stands in the ledger",
	}, func(ctx context.Context, in *caseIn) (*wordsOut, error) {
		words, err := s.Words(ctx, in.ID)
		return &wordsOut{words}, err
	})
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/findings", OperationID: "record-finding", DefaultStatus: http.StatusCreated,
		Summary: "Record what an inspection found, and open its case",
	}, func(ctx context.Context, in *findingIn) (*findingOut, error) {
		f, err := s.Findings.Record(ctx, in.Body, in.Key)
		if err != nil {
			return nil, err
		}
		id, err := s.OpenForFinding(ctx, f)
		if err != nil {
			return nil, err
		}
		c, err := s.Case(ctx, id)
		if err != nil {
			return nil, err
		}
		return &findingOut{RecordedFinding{f.View(), c.CaseView}}, nil
	})
	// Evidence comes as JSON or as a multipart form, which huma can't offer under one path.
	r.HandleUpload("POST /api/v1/cases/{id}/evidence", MaxFile+1<<16, access.Known, http.HandlerFunc(s.postEvidence))
	r.HandleFunc("GET /api/v1/cases/{id}/evidence/{evidence}/file", s.getFile)
}

// post registers a deed on a case; its answer is the case as it is afterwards.
func post[I any](s *Service, api huma.API, path, id, summary string, deed func(context.Context, *I) (PostHead, Receipt, error)) {
	huma.Register(api, huma.Operation{
		Method: http.MethodPost, Path: "/api/v1/cases/{id}" + path, OperationID: id, Summary: summary,
	}, func(ctx context.Context, in *I) (*caseOut, error) {
		head, done, err := deed(ctx, in)
		if err != nil {
			return nil, boundary(err, head.Language)
		}
		c, err := s.Case(ctx, done.Case)
		return &caseOut{c}, err
	})
}

// boundary says a refusal in the language of the one who asked.
func boundary(err error, language string) error {
	var r *lifecycle.Refusal
	if !errors.As(err, &r) {
		return err
	}
	status := http.StatusUnprocessableEntity
	switch r.Code {
	case lifecycle.CodeNeedsPerson, lifecycle.CodeRole, lifecycle.CodeSecondPerson, lifecycle.CodeSide, CodeOthersTask:
		status = http.StatusForbidden
	case lifecycle.CodeClosed, lifecycle.CodeWrongState, lifecycle.CodeAsked:
		status = http.StatusConflict
	}
	text := r.Text.En
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(language)), "zh") {
		text = r.Text.Zh
	}
	return web.Errorf(status, r.Code, "%s", text).At(r.Field)
}

func (s *Service) postEvidence(w http.ResponseWriter, r *http.Request) {
	err := func() error {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return web.Errorf(http.StatusNotFound, "case.not_found", "there is no case %q", r.PathValue("id"))
		}
		in, err := readEvidence(r)
		if err != nil {
			return err
		}
		done, err := s.Attach(r.Context(), id, in, r.Header.Get("Idempotency-Key"))
		if err != nil {
			return err
		}
		c, err := s.Case(r.Context(), done.Case)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		return json.NewEncoder(w).Encode(c)
	}()
	if err != nil {
		web.WriteError(w, r, boundary(err, r.Header.Get("Accept-Language")))
	}
}

// readEvidence takes {kind, text, datastream} as JSON, or as the fields of a form with the file in the field "file".
func readEvidence(r *http.Request) (EvidenceRequest, error) {
	var in EvidenceRequest
	bad := func(err error) error {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return web.Errorf(http.StatusRequestEntityTooLarge, "case.file_size", "the file is larger than %d MB", MaxFile>>20).At("file")
		}
		return web.Errorf(http.StatusBadRequest, "web.invalid", "the request is not understood: %s", err)
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch kind {
	case "application/json":
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			return in, bad(err)
		}
		return in, nil
	case "multipart/form-data":
		// Read part by part: nothing of a photo is to touch the disk before it has been stripped.
		parts, err := r.MultipartReader()
		if err != nil {
			return in, bad(err)
		}
		for {
			part, err := parts.NextPart()
			if errors.Is(err, io.EOF) {
				return in, nil
			}
			if err != nil {
				return in, bad(err)
			}
			body, err := io.ReadAll(part)
			if err != nil {
				return in, bad(err)
			}
			switch part.FormName() {
			case "kind":
				in.Kind = string(body)
			case "text":
				in.Text = string(body)
			case "datastream":
				if in.Datastream, err = strconv.ParseInt(string(body), 10, 64); err != nil {
					return in, bad(fmt.Errorf("datastream: expected a number"))
				}
			case "file":
				in.File = body
			default:
				return in, bad(fmt.Errorf("unknown field %q; expected kind, text, datastream or file", part.FormName()))
			}
		}
	}
	return in, web.Errorf(http.StatusUnsupportedMediaType, "web.media_type", "expected application/json or multipart/form-data")
}

func (s *Service) getFile(w http.ResponseWriter, r *http.Request) {
	caseID, err1 := strconv.ParseInt(r.PathValue("id"), 10, 64)
	evidence, err2 := strconv.ParseInt(r.PathValue("evidence"), 10, 64)
	if err1 != nil || err2 != nil {
		web.WriteError(w, r, web.Errorf(http.StatusNotFound, "case.no_file", "there is no such file"))
		return
	}
	media, body, err := s.File(r.Context(), caseID, evidence)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-store")
	if !strings.HasPrefix(media, "image/") {
		h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", fmt.Sprintf("evidence-%d.pdf", evidence)))
	}
	if _, err := w.Write(body); err != nil {
		return // the reader has gone
	}
}
