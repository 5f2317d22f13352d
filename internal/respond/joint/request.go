package joint

import "github.com/anlan-city/anlan/internal/respond/lifecycle"

// The states of a commitment, after EDXL-RM 1.0: CommitResource, ReportDeploymentStatus (arrived), ReleaseResource; a declined
// one is a ResponseToRequest that says no.
const (
	declined  = "declined"
	committed = "committed"
	arrived   = "arrived"
	released  = "released"
	withdrawn = "withdrawn"
)

// Request is what one agency asks the others for.
type Request struct {
	ID           int64
	Organisation int64
	Quantity     int64
	Cancelled    bool
	Commitments  []Commitment
}

// Commitment is what one agency answered to a request.
type Commitment struct {
	ID           int64
	Organisation int64
	Quantity     int64
	State        string
}

// Open is how much of what was asked nobody has committed yet.
func (r *Request) Open() int64 {
	if r.Cancelled {
		return 0
	}
	n := r.Quantity
	for _, c := range r.Commitments {
		if c.State == committed || c.State == arrived || c.State == released {
			n -= c.Quantity
		}
	}
	return n
}

// commit says whether so much more may be committed.
func (r *Request) commit(quantity int64) *lifecycle.Refusal {
	switch open := r.Open(); {
	case r.Cancelled:
		return lifecycle.Refuse("room.cancelled", "", "The request was cancelled.", "该请求已取消。")
	case quantity < 1:
		return lifecycle.Refuse("room.quantity", "quantity", "Say how much: at least 1.", "请填写数量，至少为1。")
	case quantity > open:
		return lifecycle.Refuse("room.too_much", "quantity", "More than is still open in this request.", "超出该请求尚缺的数量。")
	}
	return nil
}

// decline says whether an agency may say no to a request: also when it is covered already, but not when it was cancelled.
func (r *Request) decline() *lifecycle.Refusal {
	if r.Cancelled {
		return lifecycle.Refuse("room.cancelled", "", "The request was cancelled.", "该请求已取消。")
	}
	return nil
}

// cancel says whether an agency may cancel a request: its own, with nothing under way.
func (r *Request) cancel(by int64) *lifecycle.Refusal {
	switch {
	case by != r.Organisation && by != 0:
		return lifecycle.Refuse("room.not_yours", "", "Only the agency that asked may do this.", "仅提出请求的单位可以操作。")
	case r.Cancelled:
		return lifecycle.Refuse("room.cancelled", "", "The request was cancelled.", "该请求已取消。")
	}
	for _, c := range r.Commitments {
		if c.State == committed || c.State == arrived {
			return lifecycle.Refuse("room.under_way", "", "Something is committed or on site: have it withdrawn or released first.", "已有资源承诺或到位，请先撤回或撤收。")
		}
	}
	return nil
}

// step takes a commitment from one state to the next, for an agency: arrive (who gave it or who asked for it), release (the
// same), withdraw (who gave it, before it has arrived). The city's own watch (0) may do each.
func (r *Request) step(commitment int64, step string, by int64) (to string, refusal *lifecycle.Refusal) {
	for _, c := range r.Commitments {
		if c.ID != commitment {
			continue
		}
		mayBy := by == 0 || by == c.Organisation || by == r.Organisation && step != "withdraw"
		if !mayBy {
			return "", lifecycle.Refuse("room.not_yours", "", "Only the agencies that asked for it or gave it may do this.", "仅请求单位或提供单位可以操作。")
		}
		from := map[string]string{"arrive": committed, "release": arrived, "withdraw": committed}[step]
		if c.State != from {
			return "", lifecycle.Refuse("room.step", "", "This resource is "+c.State+".", "该资源当前状态为“"+stateNames[c.State]+"”。")
		}
		return map[string]string{"arrive": arrived, "release": released, "withdraw": withdrawn}[step], nil
	}
	return "", lifecycle.Refuse("room.no_commitment", "", "There is no such commitment.", "无此资源承诺。")
}

var stateNames = map[string]string{
	declined: "不能提供", committed: "已承诺", arrived: "已到位", released: "已撤收", withdrawn: "已撤回",
}
