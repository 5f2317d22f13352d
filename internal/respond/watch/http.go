package watch

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

// maxRosterFile bounds a roster that is imported.
const maxRosterFile = 1 << 20

type (
	none          struct{}
	listOf[T any] struct {
		Body struct {
			Items []T   `json:"items"`
			Next  int64 `json:"next,omitempty"`
		}
	}
	body[T any] struct{ Body T }

	// Head is what every POST has.
	Head struct {
		Key string `header:"Idempotency-Key" doc:"the same request under the same key is carried out once within 24 hours"`
	}
	post[T any] struct {
		Head
		Body T
	}
	postTo[T any] struct {
		Head
		ID   int64 `path:"id"`
		Body T
	}
	bare struct {
		Head
		ID int64 `path:"id"`
	}
	idIn struct {
		ID int64 `path:"id"`
	}

	textBody struct {
		Text string `json:"text"`
	}
	versionBody struct {
		Version int `json:"version" doc:"the version that was read"`
	}
	reasonBody struct {
		Reason string `json:"reason"`
	}
	remarkBody struct {
		Item string `json:"item" doc:"such as case:12"`
		Text string `json:"text"`
	}
	purposeBody struct {
		Purpose string `json:"purpose" enum:"operations,follow-up"`
	}
	done struct {
		Body Done
	}
)

// Done says what a request brought about.
type Done struct {
	ID   int64 `json:"id"`
	Case int64 `json:"case,omitempty"`
}

// Routes adds the room's operations.
func (s *Service) Routes(r *web.Router) {
	api := r.API()
	s.rosterRoutes(r, api)
	s.logRoutes(api)
	s.reportRoutes(api)
	s.instructionRoutes(api)
	s.handoverRoutes(api)
	huma.Register(api, operation(http.MethodGet, "/brief/rows", "watch-brief-rows", "The rows behind a figure of the brief"), func(ctx context.Context, in *struct {
		Figure string    `query:"figure" required:"true" example:"cases/gas-leak/new"`
		Date   string    `query:"date"`
		From   time.Time `query:"from"`
		To     time.Time `query:"to"`
	}) (*body[*Figure], error) {
		span, err := s.BriefSpan(in.Date, in.From, in.To)
		if err != nil {
			return nil, err
		}
		f, err := s.Figure(ctx, span, in.Figure)
		return &body[*Figure]{f}, err
	})
	r.HandleFunc("GET /api/v1/watch/brief", s.getBrief)
	r.HandleFunc("GET "+s.pages.style, s.getStyle)
}

func operation(method, path, id, summary string) huma.Operation {
	return huma.Operation{Method: method, Path: "/api/v1/watch" + path, OperationID: id, Summary: summary, Tags: []string{"watch"}}
}

// deed registers a POST that answers with what it brought about.
func deed[I any](api huma.API, path, id, summary string, fn func(context.Context, *I) (respond.Receipt, error)) {
	huma.Register(api, operation(http.MethodPost, path, id, summary), func(ctx context.Context, in *I) (*done, error) {
		r, err := fn(ctx, in)
		return &done{Done{r.Item, r.Case}}, err
	})
}

func items[T any](list []T, next int64, err error) (*listOf[T], error) {
	out := &listOf[T]{}
	out.Body.Items, out.Body.Next = list, next
	return out, err
}

func (s *Service) rosterRoutes(r *web.Router, api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/phones", "watch-phones", "The directory of duty phones"), func(ctx context.Context, _ *none) (*listOf[PostView], error) {
		list, err := s.Phones(ctx)
		return items(list, 0, err)
	})
	huma.Register(api, operation(http.MethodGet, "/roster", "watch-roster", "Who is on duty when, with gaps"), func(ctx context.Context, in *struct {
		From time.Time `query:"from"`
		To   time.Time `query:"to"`
	}) (*listOf[PostRoster], error) {
		list, err := s.Roster(ctx, in.From, in.To)
		return items(list, 0, err)
	})
	deed(api, "/posts", "watch-put-post", "Add a post, or change the one of that organisation and name", func(ctx context.Context, in *post[PostRequest]) (respond.Receipt, error) {
		return s.PutPost(ctx, in.Body.post(), in.Key)
	})
	deed(api, "/posts/{id}/remove", "watch-remove-post", "Take a post out of the directory", func(ctx context.Context, in *bare) (respond.Receipt, error) {
		return s.RemovePost(ctx, in.ID, in.Key)
	})
	deed(api, "/shifts", "watch-add-shift", "Put a shift into the roster", func(ctx context.Context, in *post[ShiftRequest]) (respond.Receipt, error) {
		return s.AddShift(ctx, in.Body, in.Key)
	})
	deed(api, "/shifts/{id}/remove", "watch-remove-shift", "Take a shift out of the roster", func(ctx context.Context, in *bare) (respond.Receipt, error) {
		return s.RemoveShift(ctx, in.ID, in.Key)
	})
	// A CSV file, which huma would take for JSON.
	r.HandleUpload("POST /api/v1/watch/roster/import", maxRosterFile, access.Known, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, n, err := s.Import(req.Context(), req.Body, req.Header.Get("Idempotency-Key"))
		if err != nil {
			web.WriteError(w, req, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]int{"shifts": n}); err != nil {
			slog.DebugContext(req.Context(), "answer not sent", "err", err)
		}
	}))
}

// PostRequest asks for a post.
type PostRequest struct {
	Organisation int64  `json:"organisation"`
	Name         string `json:"name,omitempty" doc:"the post's name within its organisation; empty: the organisation itself"`
	Title        *Text  `json:"title,omitempty"`
	Phone        string `json:"phone,omitempty" doc:"the office's number; a mobile telephone is refused"`
	Covered      bool   `json:"covered,omitempty" doc:"it is to be manned round the clock"`
}

func (r PostRequest) post() Post {
	p := Post{Organisation: r.Organisation, Name: r.Name, Phone: r.Phone, Covered: r.Covered}
	if r.Title != nil {
		p.Title = *r.Title
	}
	return p
}

func (s *Service) logRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/log", "watch-log", "The phone log, the newest first"), func(ctx context.Context, in *struct {
		From  time.Time `query:"from"`
		To    time.Time `query:"to"`
		Case  int64     `query:"case"`
		After int64     `query:"after" doc:"the next of the page before"`
		Limit int       `query:"limit" default:"100" minimum:"1" maximum:"500"`
	}) (*listOf[LineView], error) {
		list, next, err := s.Lines(ctx, LineFilter{From: in.From, To: in.To, Case: in.Case, Before: in.After, Limit: in.Limit})
		return items(list, next, err)
	})
	deed(api, "/log", "watch-write-log", "Write a call into the phone log; it may open an incident", func(ctx context.Context, in *post[LineRequest]) (respond.Receipt, error) {
		return s.Log(ctx, in.Body, in.Key)
	})
	huma.Register(api, operation(http.MethodPost, "/log/{id}/contact", "watch-contact", "Open how the caller is reached; the vault writes down who did"),
		func(ctx context.Context, in *postTo[purposeBody]) (*body[map[string]string], error) {
			data, err := s.Contact(ctx, in.ID, access.Purpose(in.Body.Purpose))
			return &body[map[string]string]{data}, err
		})
}

func (s *Service) reportRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/reports", "watch-reports", "Reports upward: what is due, and what was told"), func(ctx context.Context, in *struct {
		Case int64 `query:"case" doc:"all of one case; else the running clocks and the newest reports"`
	}) (*body[*UpwardPage], error) {
		p, err := s.Reports(ctx, in.Case)
		return &body[*UpwardPage]{p}, err
	})
	huma.Register(api, operation(http.MethodGet, "/reports/{id}", "watch-report", "A report upward with all its versions"), func(ctx context.Context, in *idIn) (*body[*ReportView], error) {
		v, err := s.ReportPage(ctx, in.ID)
		return &body[*ReportView]{v}, err
	})
	huma.Register(api, operation(http.MethodGet, "/reports/{id}/draft", "watch-draft", "A fresh draft from the case's facts; nothing is kept"), func(ctx context.Context, in *struct {
		ID   int64  `path:"id"`
		Lang string `query:"lang" enum:"en,zh-CN" default:"zh-CN"`
	}) (*body[textBody], error) {
		text, err := s.Draft(ctx, in.ID, in.Lang)
		return &body[textBody]{textBody{text}}, err
	})
	deed(api, "/reports", "watch-start-report", "Begin a report upward, drafted from the case's facts", func(ctx context.Context, in *post[StartRequest]) (respond.Receipt, error) {
		return s.Start(ctx, in.Body, in.Key)
	})
	deed(api, "/reports/{id}/versions", "watch-amend-report", "Add a version", func(ctx context.Context, in *postTo[textBody]) (respond.Receipt, error) {
		return s.Amend(ctx, in.ID, in.Body.Text, in.Key)
	})
	deed(api, "/reports/{id}/sign", "watch-sign-report", "Sign the newest version", func(ctx context.Context, in *postTo[versionBody]) (respond.Receipt, error) {
		return s.Sign(ctx, in.ID, in.Body.Version, in.Key)
	})
	deed(api, "/reports/{id}/tell", "watch-tell-report", "Write down that the newest version was told", func(ctx context.Context, in *postTo[TellRequest]) (respond.Receipt, error) {
		return s.Tell(ctx, in.ID, in.Body, in.Key)
	})
}

func (s *Service) instructionRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/instructions", "watch-instructions", "Leaders' instructions"), func(ctx context.Context, in *struct {
		State string `query:"state" enum:"open,all" default:"open"`
	}) (*listOf[InstructionView], error) {
		list, err := s.Instructions(ctx, in.State == "open")
		return items(list, 0, err)
	})
	deed(api, "/instructions", "watch-instruct", "Take down a leader's instruction", func(ctx context.Context, in *post[InstructionRequest]) (respond.Receipt, error) {
		return s.Instruct(ctx, in.Body, in.Key)
	})
	deed(api, "/instructions/{id}/answer", "watch-answer-instruction", "Write down what was answered to the leader", func(ctx context.Context, in *postTo[InstructionAnswer]) (respond.Receipt, error) {
		return s.Answer(ctx, in.ID, in.Body, in.Key)
	})
	deed(api, "/instructions/{id}/withdraw", "watch-withdraw-instruction", "Close an instruction that was taken back", func(ctx context.Context, in *postTo[reasonBody]) (respond.Receipt, error) {
		return s.Withdraw(ctx, in.ID, in.Body.Reason, in.Key)
	})
}

func (s *Service) handoverRoutes(api huma.API) {
	huma.Register(api, operation(http.MethodGet, "/handovers", "watch-handovers", "Handovers, the newest first"), func(ctx context.Context, _ *none) (*listOf[HandoverView], error) {
		list, err := s.Handovers(ctx)
		return items(list, 0, err)
	})
	huma.Register(api, operation(http.MethodGet, "/handovers/{id}", "watch-handover", "A handover with what it hands over"), func(ctx context.Context, in *idIn) (*body[*HandoverPage], error) {
		p, err := s.HandoverPage(ctx, in.ID)
		return &body[*HandoverPage]{p}, err
	})
	deed(api, "/handovers", "watch-begin-handover", "Begin to hand over; the one under way comes back if there is one", func(ctx context.Context, in *Head) (respond.Receipt, error) {
		return s.Begin(ctx, in.Key)
	})
	deed(api, "/handovers/{id}/remarks", "watch-remark", "Say something of an item", func(ctx context.Context, in *postTo[remarkBody]) (respond.Receipt, error) {
		return s.Remark(ctx, in.ID, in.Body.Item, in.Body.Text, in.Key)
	})
	deed(api, "/handovers/{id}/leave", "watch-leave", "Sign as the leaving officer", func(ctx context.Context, in *postTo[SignRequest]) (respond.Receipt, error) {
		return s.Leave(ctx, in.ID, in.Body, in.Key)
	})
	deed(api, "/handovers/{id}/arrive", "watch-arrive", "Sign as the arriving officer, who is another person", func(ctx context.Context, in *postTo[SignRequest]) (respond.Receipt, error) {
		return s.Arrive(ctx, in.ID, in.Body, in.Key)
	})
	deed(api, "/handovers/{id}/withdraw", "watch-drop-handover", "Give up a handover that nobody has taken over", func(ctx context.Context, in *struct {
		Head
		ID   int64 `path:"id"`
		Body *struct {
			Reason string `json:"reason,omitempty" doc:"why it is sent back; needed of the arriving officer once it is signed"`
		}
	}) (respond.Receipt, error) {
		reason := ""
		if in.Body != nil {
			reason = in.Body.Reason
		}
		return s.Drop(ctx, in.ID, reason, in.Key)
	})
}
