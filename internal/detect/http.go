package detect

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/detect/engine"
	"github.com/anlan-city/anlan/internal/platform/web"
)

// Routes adds the room's routes.
func (s *Service) Routes(r *web.Router) {
	huma.Register(r.API(), huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/api/v1/alerts", Tags: []string{"detect"},
		Summary: "Alerts, newest first",
		Description: "An alert rests during the planned works that it was raised in, while a person has shelved it, and while another alert " +
			"explains it: it stands in the list, no case is opened for it, and nothing sounds. It counts like any other once that is over " +
			"or a person attends to it.",
	}, func(ctx context.Context, in *listInput) (*listOutput, error) {
		limit := in.Limit
		items, err := s.List(ctx, in.filter(), in.After, limit+1)
		if err != nil {
			return nil, err
		}
		out := &listOutput{}
		if out.Body.Resting, err = s.Resting(ctx); err != nil {
			return nil, err
		}
		if len(items) > limit {
			items = items[:limit]
			out.Body.Next = items[limit-1].ID
		}
		out.Body.Items = append([]*Alert{}, items...)
		return out, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "get-alert", Method: http.MethodGet, Path: "/api/v1/alerts/{id}", Tags: []string{"detect"},
		Summary: "One alert: its rule in words, the readings that raised it, its history",
	}, func(ctx context.Context, in *oneInput) (*oneOutput, error) {
		a, err := s.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &oneOutput{a}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "alert-origin", Method: http.MethodGet, Path: "/api/v1/alerts/{id}/origin", Tags: []string{"detect"},
		Summary: "Which asset the wind points at: a hint",
		Description: "Worked out from the stored readings when it is asked for, and it decides nothing. Candidates are the assets of the rule's kinds around " +
			"the instruments, each a point; all of them and \"none of these\" are equally probable beforehand. 404 where the rule looks for no origin.",
	}, func(ctx context.Context, in *originInput) (*originOutput, error) {
		o, err := s.Origin(ctx, in.ID, in.AsOf)
		if err != nil {
			return nil, err
		}
		return &originOutput{o}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "acknowledge-alert", Method: http.MethodPost, Path: "/api/v1/alerts/{id}/acknowledge", Tags: []string{"detect"},
		Summary: "Take note of an alert; may be repeated by the same person",
	}, func(ctx context.Context, in *acknowledgeInput) (*oneOutput, error) {
		a, err := s.Acknowledge(ctx, in.ID, in.Body.Note)
		if err != nil {
			return nil, err
		}
		return &oneOutput{a}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "acknowledge-group", Method: http.MethodPost, Path: "/api/v1/alerts/{id}/group/acknowledge", Tags: []string{"detect"},
		Summary: "Take note of all alerts of one cause that stand; may be repeated",
		Description: "The id is that of any alert of the group. Each has its own row in its history. One that another has acknowledged, or that " +
			"the actor may not, is reported and keeps no other from being done. What joins the group later is new.",
	}, func(ctx context.Context, in *acknowledgeInput) (*groupOutput, error) {
		out, err := s.AcknowledgeGroup(ctx, in.ID, in.Body.Note)
		if err != nil {
			return nil, err
		}
		return &groupOutput{out}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "attend-alert", Method: http.MethodPost, Path: "/api/v1/alerts/{id}/attend", Tags: []string{"detect"},
		Summary:     "Have an alert that rests count like any other",
		Description: "What it rests for doesn't explain it, or it comes off the shelf: from now on it is as if it had been raised without. Planned works stay announced. May be repeated.",
	}, func(ctx context.Context, in *acknowledgeInput) (*oneOutput, error) {
		a, err := s.Attend(ctx, in.ID, in.Body.Note)
		if err != nil {
			return nil, err
		}
		return &oneOutput{a}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "shelve-alert", Method: http.MethodPost, Path: "/api/v1/alerts/{id}/shelve", Tags: []string{"detect"},
		Summary:     "Put an alert aside until a time, with a reason",
		Description: "Until then whatever its detector raises at the same subject rests. It ends by itself, or by attend. 24 hours at most.",
	}, func(ctx context.Context, in *shelveInput) (*oneOutput, error) {
		a, err := s.Shelve(ctx, in.ID, in.Body.Until, in.Body.Reason)
		if err != nil {
			return nil, err
		}
		return &oneOutput{a}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "judge-alert", Method: http.MethodPost, Path: "/api/v1/alerts/{id}/verdict", Tags: []string{"detect"},
		Summary:     "Say what was found out about an alert",
		Description: "Detectors are scored by it. The end of an alert's case says it too, unless a person has said it here.",
	}, func(ctx context.Context, in *judgeInput) (*oneOutput, error) {
		a, err := s.Judge(ctx, in.ID, Verdict{Verdict: in.Body.Verdict, Onset: in.Body.Onset, Note: in.Body.Note})
		if err != nil {
			return nil, err
		}
		return &oneOutput{a}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "judge-group", Method: http.MethodPost, Path: "/api/v1/alerts/{id}/group/verdict", Tags: []string{"detect"},
		Summary:     "Say what was found out about an alert, for all alerts of one cause",
		Description: "Each has its own record. One that another person has judged otherwise keeps that word, and is reported. In the figures the alerts of a group are one alarm of each detector.",
	}, func(ctx context.Context, in *judgeInput) (*groupOutput, error) {
		out, err := s.JudgeGroup(ctx, in.ID, Verdict{Verdict: in.Body.Verdict, Onset: in.Body.Onset, Note: in.Body.Note})
		if err != nil {
			return nil, err
		}
		return &groupOutput{out}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "watch-figures", Method: http.MethodGet, Path: "/api/v1/watch/figures", Tags: []string{"detect"},
		Summary: "How good the watch is: hits, false alarms, misses, lead times, alarm load",
		Description: "From verified outcomes, for each detector, each hazard and each operating position. Figures without a value (a share of " +
			"nothing) are null. Times in load are microseconds since 1970 UTC.",
	}, func(ctx context.Context, in *figuresInput) (*figuresOutput, error) {
		f, err := s.Figures(ctx, in.From, in.To)
		if err != nil {
			return nil, err
		}
		return &figuresOutput{f}, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "watch-load", Method: http.MethodGet, Path: "/api/v1/watch/load", Tags: []string{"detect"},
		Summary:     "How many alarms each operating position has just now, and whether they are a flood",
		Description: "A flood begins when ten minutes hold more than 10 alarms, and has ended when they hold fewer than 5 (EEMUA 191).",
	}, func(ctx context.Context, _ *struct{}) (*loadOutput, error) {
		out := &loadOutput{}
		var err error
		out.Body.At, out.Body.Positions, err = s.LoadNow(ctx)
		if err != nil {
			return nil, err
		}
		return out, nil
	})
	huma.Register(r.API(), huma.Operation{
		OperationID: "list-detectors", Method: http.MethodGet, Path: "/api/v1/detectors", Tags: []string{"detect"},
		Summary: "The detectors of all packs, with their rules in words",
	}, func(ctx context.Context, _ *struct{}) (*detectorsOutput, error) {
		if err := s.Access.Decide(ctx, "detector.read", access.Resource{Type: "detector"}, access.Operations); err != nil {
			return nil, err
		}
		out := &detectorsOutput{}
		out.Body.Items = []detectorJSON{}
		for _, d := range s.Detectors {
			out.Body.Items = append(out.Body.Items, describe(d))
		}
		return out, nil
	})
}

type listInput struct {
	State string `query:"state" enum:"open,all" default:"open" doc:"open: not cleared"`
	Rest  string `query:"rest" enum:"rests,counts" doc:"rests: only alerts that rest; counts: only the others"`
	Lead  int64  `query:"lead" minimum:"0" doc:"only alerts of the group that this one leads"`

	Detector string    `query:"detector" doc:"only of this detector (pack/id), or of all detectors of this pack"`
	Owner    string    `query:"owner" doc:"only of detectors that this post owns"`
	Kind     string    `query:"kind" enum:"hazard,monitoring"`
	Outcome  string    `query:"outcome" enum:"real,false,unclear,drill,unverified" doc:"what people found out; unverified: nobody has said"`
	Asset    int64     `query:"asset" minimum:"0" doc:"only at this asset"`
	From     time.Time `query:"raised_from" doc:"raised at or after"`
	To       time.Time `query:"raised_to" doc:"raised before"`

	After int64 `query:"after" minimum:"0" doc:"next of the page before"`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100"`
}

func (in *listInput) filter() Filter {
	return Filter{
		Open: in.State == "open", Rest: Rest(in.Rest), Led: in.Lead, Detector: in.Detector, Owner: in.Owner, Kind: in.Kind, Outcome: in.Outcome,
		Asset: in.Asset, From: in.From, To: in.To,
	}
}

type listOutput struct {
	Body struct {
		Items   []*Alert `json:"items"`
		Resting int      `json:"resting" doc:"how many alerts rest, on all pages and whatever the filter"`
		Next    int64    `json:"next,omitempty"`
	}
}

type figuresInput struct {
	From time.Time `query:"from" doc:"left out: 30 days before to"`
	To   time.Time `query:"to" doc:"left out: now"`
}

type figuresOutput struct{ Body *Figures }

type loadOutput struct {
	Body struct {
		At        time.Time      `json:"at"`
		Positions []PositionLoad `json:"positions"`
	}
}

type oneInput struct {
	ID int64 `path:"id"`
}

type oneOutput struct{ Body *Alert }

type groupOutput struct{ Body *GroupDeed }

type originInput struct {
	ID   int64     `path:"id"`
	AsOf time.Time `query:"as_of" doc:"as of this time, not before the alert began; left out: now, or when it had its end"`
}

type originOutput struct{ Body *Origin }

type acknowledgeInput struct {
	ID   int64 `path:"id"`
	Body struct {
		Note string `json:"note,omitempty" doc:"what the official knows or will do"`
	}
}

type shelveInput struct {
	ID   int64 `path:"id"`
	Body struct {
		Until  time.Time `json:"until" doc:"at most 24 hours ahead"`
		Reason string    `json:"reason"`
	}
}

type judgeInput struct {
	ID   int64 `path:"id"`
	Body struct {
		Verdict string     `json:"verdict" enum:"real,false,unclear,drill"`
		Onset   *time.Time `json:"onset,omitempty" doc:"when the hazard began by what was found"`
		Note    string     `json:"note,omitempty"`
	}
}

type detectorsOutput struct {
	Body struct {
		Items []detectorJSON `json:"items"`
	}
}

type detectorJSON struct {
	ID          string   `json:"id"`
	Title       Wording  `json:"title"`
	Property    string   `json:"property"`
	Unit        string   `json:"unit"`
	Kinds       []string `json:"kinds" doc:"the kinds of asset it is watched on"`
	Levels      []string `json:"levels"`
	Rule        Wording  `json:"rule"`
	Clears      Wording  `json:"clears"`
	SilentAfter string   `json:"silent_after"`
	Source      string   `json:"source" doc:"where the limits come from"`
	FalseAlarms []string `json:"known_false_alarms"`
	Maturity    string   `json:"maturity" enum:"stable,trial,draft"`
	Owner       string   `json:"owner"`
	Opens       string   `json:"opens" doc:"kind of case"`
	OpensFrom   string   `json:"opens_from" doc:"lowest level that opens it"`
}

func describe(d *engine.Detector) detectorJSON {
	j := detectorJSON{
		ID: d.ID, Title: engine.TextOf(d.Title), Property: d.Property.ID, Unit: d.Property.Unit, Rule: d.Rule, Clears: d.Clears,
		SilentAfter: d.SilentAfter.String(), Source: d.Source, FalseAlarms: slices.Clone(d.FalseAlarms), Maturity: d.Maturity, Owner: d.Owner,
		Opens: d.Opens.Case, OpensFrom: d.Opens.From.String(),
	}
	for _, k := range d.Kinds {
		j.Kinds = append(j.Kinds, k.ID)
	}
	for _, l := range d.Levels {
		j.Levels = append(j.Levels, l.Level.String())
	}
	return j
}
