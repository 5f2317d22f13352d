package watch

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/events"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/outbox"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

// A handover goes draft -> left -> done. What is open is read anew at each signature, for the one who signs:
//
//	leaving    contents := all that is open now; refused with what is new or changed, unless the officer has seen each of it
//	arriving   since := all that is open now and not in contents, or there but as it was; refused likewise
//
// Both are frozen with the signature, and the hash of the whole stands in the ledger entry of the same transaction. What a
// person has seen he says by a token that the page gave him: of each item its number and a digest of what the page showed.

// The kinds of open item.
const (
	ItemAlert       = "alert"
	ItemShelved     = "shelved"
	ItemWarning     = "warning"
	ItemProposal    = "proposal" // of a plan, that waits for a decision
	ItemResponse    = "response" // under a plan
	ItemCase        = "case"
	ItemTask        = "task"
	ItemRequest     = "request" // in a joint room, that nobody covers
	ItemReport      = "report"
	ItemDraft       = "draft" // of a report upward, that nobody has signed or told
	ItemInstruction = "instruction"
	ItemGap         = "gap"
)

// itemKinds is the order in which a handover lists them.
var itemKinds = [...]string{
	ItemReport, ItemDraft, ItemInstruction, ItemAlert, ItemWarning, ItemProposal, ItemResponse, ItemCase, ItemTask, ItemRequest, ItemShelved, ItemGap,
}

// gapAhead is how far ahead gaps in the roster are handed over.
const gapAhead = 24 * time.Hour

// Item is one thing that is open.
type Item struct {
	Kind    string     `json:"kind" enum:"report,draft,instruction,alert,warning,proposal,response,case,task,request,shelved,gap"`
	ID      int64      `json:"id"`
	Title   Text       `json:"title"`
	State   Text       `json:"state" doc:"where it stands"`
	Level   string     `json:"level,omitempty" doc:"of an alert or warning: red, orange, yellow, blue; of an incident its grade"`
	Case    int64      `json:"case,omitempty" doc:"the case that it belongs to"`
	Since   *time.Time `json:"since,omitempty"`
	DueAt   *time.Time `json:"due_at,omitempty"`
	Overdue bool       `json:"overdue,omitempty"`
	Later   []LaterGap `json:"later,omitempty" doc:"of a gap: the others of the same post within a day"`
	Remark  string     `json:"remark,omitempty" doc:"what the leaving officer says of it"`
}

// LaterGap is a gap of a post after its first.
type LaterGap struct {
	From time.Time  `json:"from"`
	To   *time.Time `json:"to,omitempty" doc:"left out: no later shift stands in the roster"`
}

func (i Item) key() string { return i.Kind + ":" + strconv.FormatInt(i.ID, 10) }

// digest is short for where the item stands: what a signer must have seen of it. It holds nothing that time alone changes (whether
// it is overdue follows from its limit), or every signature would be refused. 48 bits: a token is compared with a state that the
// signer does not choose.
func (i Item) digest() string {
	moment := func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return strconv.FormatInt(at.UnixMicro(), 10)
	}
	parts := []string{i.Kind, strconv.FormatInt(i.ID, 10), i.Title.En, i.Title.Zh, i.State.En, i.State.Zh, i.Level, moment(i.DueAt)}
	if i.Kind == ItemGap {
		parts = append(parts, moment(i.Since))
		for _, g := range i.Later {
			parts = append(parts, moment(&g.From), moment(g.To))
		}
	}
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:6])
}

// Contents are what is signed.
type Contents struct {
	At      time.Time `json:"at" doc:"when it was read"`
	Items   []Item    `json:"items"`
	Changed []Item    `json:"changed,omitempty" doc:"with the second signature: what was handed over and stands otherwise by now"`
}

// hash is the SHA-256 of contents as they are stored.
func (c Contents) encode() (text, hash string, err error) {
	b, err := json.Marshal(c)
	if err != nil {
		return "", "", fmt.Errorf("encode handover: %w", err)
	}
	sum := sha256.Sum256(b)
	return string(b), hex.EncodeToString(sum[:]), nil
}

// Handover is one of a shift to the next.
type Handover struct {
	ID            int64
	Desk          int64
	State         string // draft, left, done or withdrawn
	BegunAt       time.Time
	BegunByID     int64
	BegunBy       string
	Contents      string // as signed by the leaving officer
	Hash          string
	LeftAt        time.Time
	LeftByID      int64
	LeftBy        string
	LeftRemark    string
	Since         string // what came between the signatures, as signed by the arriving officer
	SinceHash     string
	ArrivedAt     time.Time
	ArrivedByID   int64
	ArrivedBy     string
	ArrivedRemark string
	EndedAt       time.Time
	EndedBy       string // who withdrew it
	EndedWhy      string
}

// open reads what is open now, as the actor sees it, sorted. It asks other rooms, so it is never called within a transaction.
func (s *Service) open(ctx context.Context) (Contents, error) {
	now := s.now()
	c := Contents{At: now}
	elsewhere, err := s.Elsewhere.Open(ctx)
	if err != nil {
		return c, fmt.Errorf("what is open: %w", err)
	}
	c.Items = append(c.Items, elsewhere...)
	for before := int64(0); ; {
		page, next, err := s.Cases.Cases(ctx, respond.Filter{Open: true, Before: before, Limit: 1000})
		if err != nil {
			return c, fmt.Errorf("what is open: %w", err)
		}
		for _, x := range page {
			if !x.Private {
				c.Items = append(c.Items, caseItem(x))
			}
		}
		if before = next; next == 0 {
			break
		}
	}
	own, err := s.openHere(ctx, now)
	if err != nil {
		return c, err
	}
	c.Items = append(c.Items, own...)
	slices.SortStableFunc(c.Items, func(a, b Item) int {
		return cmp.Or(cmp.Compare(slices.Index(itemKinds[:], a.Kind), slices.Index(itemKinds[:], b.Kind)), cmp.Compare(a.ID, b.ID))
	})
	return c, nil
}

func caseItem(x respond.CaseView) Item {
	i := Item{Kind: ItemCase, ID: x.ID, State: x.StateTitle, Case: x.ID, Since: &x.Since, DueAt: x.DueAt, Overdue: x.Overdue, Level: x.Level}
	title := Text{}
	switch t := x.Title.(type) {
	case string:
		title = Text{En: t, Zh: t}
	case Text:
		title = t
	case *Text:
		title = *t
	}
	if title != x.KindTitle {
		title = Text{En: x.KindTitle.En + ": " + title.En, Zh: x.KindTitle.Zh + "：" + title.Zh}
	}
	i.Title = title
	return i
}

// openHere is what is open in the rows of the watch itself, and the tasks of open cases.
func (s *Service) openHere(ctx context.Context, now time.Time) ([]Item, error) {
	var items []Item
	sees := s.seen(ctx)
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		cases := map[int64]*respond.Case{} // nil: not to be seen
		seen := func(id int64) (*respond.Case, error) {
			c, asked := cases[id]
			if asked {
				return c, nil
			}
			c, err := respond.Find(tx, id)
			if err != nil {
				return nil, err
			}
			if c.Private || !s.Cases.Sees(ctx, c) {
				c = nil
			}
			cases[id] = c
			return c, nil
		}
		ts, err := respond.OpenTasks(tx)
		if err != nil {
			return err
		}
		for _, t := range ts {
			c, err := seen(t.Case)
			if err != nil {
				return err
			}
			if c != nil {
				items = append(items, taskItem(t, now))
			}
		}
		clocks, err := runningClocks(tx)
		if err != nil {
			return err
		}
		for _, k := range clocks {
			c, err := seen(k.Case)
			if err != nil {
				return err
			}
			if c != nil {
				items = append(items, clockItem(k, c, now))
			}
		}
		waiting, err := drafts(tx)
		if err != nil {
			return err
		}
		for _, r := range waiting {
			c, err := seen(r.Case)
			if err != nil {
				return err
			}
			if c != nil {
				items = append(items, draftItem(r, c))
			}
		}
		instructions, err := openInstructions(tx)
		if err != nil {
			return err
		}
		for _, i := range instructions {
			if sees(i.Desk) {
				items = append(items, instructionItem(i, now))
			}
		}
		posts, err := allPosts(tx)
		if err != nil {
			return err
		}
		on, err := shifts(tx, 0, now, now.Add(gapAhead))
		if err != nil {
			return err
		}
		for _, p := range posts {
			if !p.Covered || !sees(p.Organisation) {
				continue
			}
			own := slices.DeleteFunc(slices.Clone(on), func(x Shift) bool { return x.Post != p.ID })
			if g := gaps(own, now, now.Add(gapAhead)); len(g) > 0 {
				i, err := gapItem(tx, p, g, now)
				if err != nil {
					return err
				}
				items = append(items, i)
			}
		}
		return nil
	})
	return items, err
}

// gapItem is the one item of a post: its first gap, and those after it. Its ends are those of the roster, not those of the day that
// is looked at, which move with the clock.
func gapItem(tx *db.Tx, p Post, found []Gap, now time.Time) (Item, error) {
	first, last := found[0], found[len(found)-1]
	before, after, err := shiftsBeside(tx, p.ID, first.From, last.To)
	if err != nil {
		return Item{}, err
	}
	i := Item{Kind: ItemGap, ID: p.ID, Title: p.Title, State: Text{En: "nobody in the roster", Zh: "无人值班"}, Since: &first.From, DueAt: &first.To}
	if first.From.Equal(now) {
		i.Since = optional(before)
	}
	for _, g := range found[1:] {
		i.Later = append(i.Later, LaterGap{g.From, &g.To})
	}
	if last.To.Equal(now.Add(gapAhead)) {
		if n := len(i.Later); n > 0 {
			i.Later[n-1].To = optional(after)
		} else {
			i.DueAt = optional(after)
		}
	}
	return i, nil
}

func draftItem(r Report, c *respond.Case) Item {
	what, v := reportWords(r.Kind), r.Versions[len(r.Versions)-1]
	title := Text{En: fmt.Sprintf("%s %d", upperFirst(what.En), r.Number), Zh: fmt.Sprintf("%s（第%d期）", what.Zh, r.Number)}
	if words := guard.Mask(c.Title); words != "" {
		title = Text{En: title.En + ": " + words, Zh: title.Zh + "：" + words}
	}
	return Item{Kind: ItemDraft, ID: r.ID, Case: r.Case, Title: title, Since: &v.At,
		State: Text{En: fmt.Sprintf("version %d, not signed", v.Version), Zh: fmt.Sprintf("第%d稿，待签发", v.Version)}}
}

func taskItem(t respond.Task, now time.Time) Item {
	title := t.Text
	if free := guard.Mask(t.Free); title == (Text{}) {
		title = Text{En: free, Zh: free}
	}
	i := Item{Kind: ItemTask, ID: t.ID, Title: title, State: Text{En: "given", Zh: "已派发"}, Case: t.Case, Since: &t.OpenedAt, DueAt: optional(t.DueAt)}
	if !t.AcknowledgedAt.IsZero() {
		i.State = Text{En: "acknowledged", Zh: "已签收"}
	}
	i.Overdue = !t.DueAt.IsZero() && !t.DueAt.After(now)
	return i
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// --- what was seen

// seenToken names all items as they stand: "alert:117.k3Jd0-Qx,118.9vT_aa1B;case:12.Zz0f3hWq", the kinds in the order of the list. An
// item that changed between the signatures is named twice, as it was and as it is.
func seenToken(items []Item) string {
	var b strings.Builder
	for _, kind := range itemKinds {
		sep := kind + ":"
		if b.Len() > 0 {
			sep = ";" + sep
		}
		for _, i := range items {
			if i.Kind == kind {
				b.WriteString(sep + strconv.FormatInt(i.ID, 10) + "." + i.digest())
				sep = ","
			}
		}
	}
	return b.String()
}

// seenItems reads a token: of each item, by its key, the digests that the signer has seen.
type seenItems map[string][]string

func parseSeen(token string) (seenItems, error) {
	wrong := bad("watch.seen", "seen", "expected the token that the page of the handover gave")
	out := seenItems{}
	for part := range strings.SplitSeq(token, ";") {
		if part == "" {
			continue
		}
		kind, list, ok := strings.Cut(part, ":")
		if !ok || !slices.Contains(itemKinds[:], kind) {
			return nil, wrong
		}
		for one := range strings.SplitSeq(list, ",") {
			number, digest, ok := strings.Cut(one, ".")
			id, err := strconv.ParseInt(number, 10, 64)
			if !ok || digest == "" || err != nil {
				return nil, wrong
			}
			key := Item{Kind: kind, ID: id}.key()
			out[key] = append(out[key], digest)
		}
	}
	return out, nil
}

func (s seenItems) has(i Item) bool { return slices.Contains(s[i.key()], i.digest()) }

// unseen refuses a signature under what the signer has not seen, or has seen otherwise, and names it, each item once.
func (s seenItems) unseen(items []Item) error {
	var news []web.Detail
	told := map[string]bool{}
	for _, i := range items {
		if s.has(i) || told[i.key()] {
			continue
		}
		told[i.key()] = true
		message := i.Title.En
		if _, known := s[i.key()]; known {
			message += " (changed: " + i.State.En + ")"
		}
		news = append(news, web.Detail{Field: i.key(), Message: message})
	}
	if len(news) == 0 {
		return nil
	}
	e := web.Errorf(http.StatusConflict, "watch.handover_news", "%d things are new or have changed since you looked; look at them and sign again", len(news))
	e.Errors = news[:min(len(news), 50)]
	return e
}

// between compares what is open now with what was signed: what is new, and what was there and stands otherwise.
func between(now, signed []Item) (fresh, changed []Item) {
	was := make(map[string]string, len(signed))
	for _, i := range signed {
		was[i.key()] = i.digest()
	}
	fresh, changed = []Item{}, []Item{}
	for _, i := range now {
		switch digest, there := was[i.key()]; {
		case !there:
			fresh = append(fresh, i)
		case digest != i.digest():
			changed = append(changed, i)
		}
	}
	return fresh, changed
}

// --- what people do

// Begin begins a handover of the actor's desk. The one that is under way comes back, if there is one.
func (s *Service) Begin(ctx context.Context, key string) (respond.Receipt, error) {
	who, err := s.mine(ctx, "watch.write")
	if err != nil {
		return respond.Receipt{}, err
	}
	return s.Cases.Once(ctx, key, []any{"handover", who.Organisation}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		h, err := openHandover(tx, who.Organisation)
		if err == nil {
			return respond.Receipt{Item: h.ID}, nil
		}
		if !errors.Is(err, db.ErrNotFound) {
			return respond.Receipt{}, err
		}
		h = Handover{Desk: who.Organisation, State: "draft", BegunAt: now, BegunByID: who.ID, BegunBy: actorName(who)}
		if err := insertHandover(tx, &h); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: h.ID}, tell(tx, "handover", h.ID, 0, h.Desk, now)
	})
}

// handoverFor returns a handover of the actor's own desk: nobody signs for another.
func (s *Service) handoverFor(ctx context.Context, id int64) (h Handover, who access.Actor, err error) {
	who, err = s.mine(ctx, "watch.write")
	if err != nil {
		return h, who, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		h, err = getHandover(tx, id)
		return err
	})
	if err != nil {
		return h, who, unknown(err, "handover", id)
	}
	if h.Desk != who.Organisation {
		return h, who, web.Errorf(http.StatusForbidden, "watch.other_desk", "the handover is of another desk")
	}
	return h, who, nil
}

// Remark says something of an item of a handover that nobody has signed yet.
func (s *Service) Remark(ctx context.Context, id int64, item, text, key string) (respond.Receipt, error) {
	if _, _, err := s.handoverFor(ctx, id); err != nil {
		return respond.Receipt{}, err
	}
	kind, number, _ := strings.Cut(item, ":")
	if _, err := strconv.ParseInt(number, 10, 64); err != nil || !slices.Contains(itemKinds[:], kind) {
		return respond.Receipt{}, bad("watch.item", "item", "expected an item of the handover, such as case:12")
	}
	if err := words(&text, "text", false, maxLine); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"remark", id, item, text}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		h, err := getHandover(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		if h.State != "draft" {
			return respond.Receipt{}, notIn(h, "draft")
		}
		return respond.Receipt{Item: id}, insertRemark(tx, id, item, text, who, now)
	})
}

func notIn(h Handover, want string) error {
	return web.Errorf(http.StatusConflict, "watch.handover_state", "the handover is %s; expected %s", h.State, want)
}

// SignRequest signs a handover.
type SignRequest struct {
	Seen   string `json:"seen" doc:"the token of the page that the officer has read"`
	Remark string `json:"remark,omitempty"`
}

// Leave is the signature of the leaving officer: it freezes what is open.
func (s *Service) Leave(ctx context.Context, id int64, r SignRequest, key string) (respond.Receipt, error) {
	if _, _, err := s.handoverFor(ctx, id); err != nil {
		return respond.Receipt{}, err
	}
	seen, err := s.signature(&r)
	if err != nil {
		return respond.Receipt{}, err
	}
	now, err := s.open(ctx)
	if err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"leave", id, r}, func(tx *db.Tx, at time.Time) (respond.Receipt, error) {
		h, err := getHandover(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		if h.State != "draft" {
			return respond.Receipt{}, notIn(h, "draft")
		}
		if err := seen.unseen(now.Items); err != nil {
			return respond.Receipt{}, err
		}
		remarks, err := remarksOf(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		remarked(now.Items, remarks)
		if h.Contents, h.Hash, err = now.encode(); err != nil {
			return respond.Receipt{}, err
		}
		h.State, h.LeftAt, h.LeftByID, h.LeftBy, h.LeftRemark = "left", at, who.ID, actorName(who), r.Remark
		if err := updateHandover(tx, h, "draft"); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: id}, s.signed(tx, who, h, "leave", len(now.Items), at)
	})
}

// Arrive is the signature of the arriving officer, who is another person: it freezes what has come since.
func (s *Service) Arrive(ctx context.Context, id int64, r SignRequest, key string) (respond.Receipt, error) {
	if _, _, err := s.handoverFor(ctx, id); err != nil {
		return respond.Receipt{}, err
	}
	seen, err := s.signature(&r)
	if err != nil {
		return respond.Receipt{}, err
	}
	now, err := s.open(ctx)
	if err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"arrive", id, r}, func(tx *db.Tx, at time.Time) (respond.Receipt, error) {
		h, err := getHandover(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		if h.State != "left" {
			return respond.Receipt{}, notIn(h, "left")
		}
		if err := access.FourEyes(ctx, h.LeftByID, "take over what you have handed over yourself"); err != nil {
			return respond.Receipt{}, err
		}
		frozen, err := h.contents()
		if err != nil {
			return respond.Receipt{}, err
		}
		since := Contents{At: now.At}
		since.Items, since.Changed = between(now.Items, frozen.Items)
		// The newest state of an item first: a refusal names each once.
		if err := seen.unseen(slices.Concat(since.Changed, frozen.Items, since.Items)); err != nil {
			return respond.Receipt{}, err
		}
		if h.Since, h.SinceHash, err = since.encode(); err != nil {
			return respond.Receipt{}, err
		}
		h.State, h.ArrivedAt, h.ArrivedByID, h.ArrivedBy, h.ArrivedRemark, h.EndedAt = "done", at, who.ID, actorName(who), r.Remark, at
		if err := updateHandover(tx, h, "left"); err != nil {
			return respond.Receipt{}, err
		}
		items := len(frozen.Items) + len(since.Items)
		return respond.Receipt{Item: id}, errors.Join(s.signed(tx, who, h, "arrive", items, at),
			outbox.Put(tx, events.WatchHandedOver{Handover: h.ID, Desk: h.Desk, Open: items, At: at}))
	})
}

// Drop gives up a handover that nobody has taken over. Once the leaving officer has signed, only he takes his signature back; or
// the arriving officer sends it back, with the reason.
func (s *Service) Drop(ctx context.Context, id int64, reason, key string) (respond.Receipt, error) {
	if _, _, err := s.handoverFor(ctx, id); err != nil {
		return respond.Receipt{}, err
	}
	if err := words(&reason, "reason", false, maxLine); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"drop handover", id, reason}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		h, err := getHandover(tx, id)
		if err != nil {
			return respond.Receipt{}, err
		}
		if h.State != "draft" && h.State != "left" {
			return respond.Receipt{}, notIn(h, "draft or left")
		}
		if h.State == "left" && who.ID != h.LeftByID {
			if err := arriving(tx, h, who, reason, now); err != nil {
				return respond.Receipt{}, err
			}
		}
		before := h.State
		h.State, h.EndedAt, h.EndedBy, h.EndedWhy = "withdrawn", now, actorName(who), reason
		if err := updateHandover(tx, h, before); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: id}, s.signed(tx, who, h, "withdraw", 0, now)
	})
}

// arriving refuses who gives no reason; and, where the roster has the leaving officer on a post, who is not on that post too.
func arriving(tx *db.Tx, h Handover, who access.Actor, reason string, now time.Time) error {
	if reason == "" {
		return web.Errorf(http.StatusForbidden, "watch.handover_signed",
			"%s has signed it: only he withdraws it, or the arriving officer, with a reason", h.LeftBy).At("reason")
	}
	on, err := shifts(tx, 0, now.Add(-gapAhead), now.Add(gapAhead))
	if err != nil {
		return err
	}
	left := map[int64]bool{} // the posts of the leaving officer
	for _, x := range on {
		left[x.Post] = left[x.Post] || x.Who == h.LeftBy
	}
	named, his := false, false
	for _, x := range on {
		named = named || left[x.Post]
		his = his || left[x.Post] && x.Who == actorName(who)
	}
	if named && !his {
		return web.Errorf(http.StatusForbidden, "watch.handover_signed", "the roster says who is on this post, and you are not")
	}
	return nil
}

func (s *Service) signature(r *SignRequest) (seenItems, error) {
	if err := words(&r.Remark, "remark", false, maxLine); err != nil {
		return nil, err
	}
	return parseSeen(r.Seen)
}

// signed writes a signature into the ledger, with the hash of what was signed, and tells of it.
func (s *Service) signed(tx *db.Tx, who access.Actor, h Handover, deed string, items int, now time.Time) error {
	detail := map[string]any{"deed": deed, "desk": h.Desk, "items": items}
	if h.Hash != "" {
		detail["contents_sha256"] = h.Hash
	}
	if h.SinceHash != "" {
		detail["since_sha256"] = h.SinceHash
	}
	if remark := h.LeftRemark; deed == "leave" && remark != "" {
		detail["remark_sha256"] = digest(remark)
	}
	if h.EndedWhy != "" {
		detail["reason_sha256"] = digest(h.EndedWhy)
	}
	if remark := h.ArrivedRemark; deed == "arrive" && remark != "" {
		detail["remark_sha256"] = digest(remark)
	}
	return errors.Join(tell(tx, "handover", h.ID, 0, h.Desk, now), ledger.Append(tx, ledger.Entry{
		Action: "watch.write", Actor: actorName(who), ActorID: who.ID, Subject: "handover", SubjectID: h.ID, At: now, Detail: detail,
	}))
}

func (h Handover) contents() (c Contents, err error) {
	if h.Contents == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(h.Contents), &c); err != nil {
		return c, fmt.Errorf("handover %d: %w", h.ID, err)
	}
	return c, nil
}

func (h Handover) since() (c Contents, err error) {
	if h.Since == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(h.Since), &c); err != nil {
		return c, fmt.Errorf("handover %d: %w", h.ID, err)
	}
	return c, nil
}

// remarked puts the newest remark on each item.
func remarked(items []Item, remarks map[string]string) {
	for i := range items {
		items[i].Remark = remarks[items[i].key()]
	}
}

// --- reading

// HandoverView is a handover as people see it.
type HandoverView struct {
	ID            int64      `json:"id"`
	Desk          int64      `json:"desk,omitempty"`
	State         string     `json:"state" enum:"draft,left,done,withdrawn"`
	BegunAt       time.Time  `json:"begun_at"`
	BegunBy       string     `json:"begun_by"`
	LeftAt        *time.Time `json:"left_at"`
	LeftBy        string     `json:"left_by,omitempty"`
	LeftRemark    string     `json:"left_remark,omitempty"`
	ArrivedAt     *time.Time `json:"arrived_at"`
	ArrivedBy     string     `json:"arrived_by,omitempty"`
	ArrivedRemark string     `json:"arrived_remark,omitempty"`
	EndedBy       string     `json:"withdrawn_by,omitempty"`
	EndedWhy      string     `json:"withdrawn_why,omitempty"`
	Hash          string     `json:"sha256,omitempty" doc:"of the contents, as the ledger has it"`
	SinceHash     string     `json:"since_sha256,omitempty"`
}

// HandoverPage is a handover with what it hands over.
type HandoverPage struct {
	HandoverView
	Items []Item `json:"items" doc:"a draft: what is open now; else what the leaving officer signed"`
	Since []Item `json:"since" doc:"what has come since the leaving officer signed"`
	// Changed holds items that stand in Items too, as they were signed.
	Changed []Item `json:"changed" doc:"what the leaving officer signed and stands otherwise since, as it is now"`
	// Seen is what to sign with.
	Seen string `json:"seen,omitempty" doc:"to sign with: names all that this page shows, as it shows it"`
	// MaySign says which signature the one who asks can give: leave, arrive or neither.
	MaySign string `json:"may_sign,omitempty" enum:"leave,arrive"`
}

func (h Handover) view() HandoverView {
	return HandoverView{ID: h.ID, Desk: h.Desk, State: h.State, BegunAt: h.BegunAt, BegunBy: h.BegunBy, LeftAt: optional(h.LeftAt), LeftBy: h.LeftBy,
		LeftRemark: guard.Mask(h.LeftRemark), ArrivedAt: optional(h.ArrivedAt), ArrivedBy: h.ArrivedBy, ArrivedRemark: guard.Mask(h.ArrivedRemark), EndedBy: h.EndedBy, EndedWhy: guard.Mask(h.EndedWhy),
		Hash: h.Hash, SinceHash: h.SinceHash}
}

// Handovers returns those of the desks that the actor sees, the newest first.
func (s *Service) Handovers(ctx context.Context) ([]HandoverView, error) {
	if _, err := s.mine(ctx, "watch.log"); err != nil {
		return nil, err
	}
	sees := s.seen(ctx)
	out := []HandoverView{}
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		list, err := listHandovers(tx, maxReports)
		for _, h := range list {
			if sees(h.Desk) {
				out = append(out, h.view())
			}
		}
		return err
	})
	return out, err
}

// HandoverPage returns one handover with its items.
func (s *Service) HandoverPage(ctx context.Context, id int64) (*HandoverPage, error) {
	var h Handover
	var remarks map[string]string
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if h, err = getHandover(tx, id); err == nil {
			remarks, err = remarksOf(tx, id)
		}
		return err
	})
	if err != nil {
		return nil, unknown(err, "handover", id)
	}
	if err := s.decide(ctx, "watch.log", id, h.Desk); err != nil {
		return nil, err
	}
	p := &HandoverPage{HandoverView: h.view(), Items: []Item{}, Since: []Item{}, Changed: []Item{}}
	who := access.From(ctx)
	mine := h.Desk == who.Organisation && s.decide(ctx, "watch.write", 0, h.Desk) == nil
	frozen, err := h.contents()
	if err != nil {
		return nil, err
	}
	switch h.State {
	case "draft", "left":
		now, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		if h.State == "draft" {
			remarked(now.Items, remarks)
			p.Items = now.Items
			if mine {
				p.MaySign = "leave"
			}
		} else {
			p.Items = frozen.Items
			p.Since, p.Changed = between(now.Items, frozen.Items)
			if mine && h.LeftByID != who.ID {
				p.MaySign = "arrive"
			}
		}
		p.Seen = seenToken(slices.Concat(p.Items, p.Since, p.Changed))
	default:
		since, err := h.since()
		if err != nil {
			return nil, err
		}
		p.Items, p.Since, p.Changed = frozen.Items, since.Items, since.Changed
	}
	if p.Items == nil {
		p.Items = []Item{}
	}
	if p.Since == nil {
		p.Since = []Item{}
	}
	if p.Changed == nil {
		p.Changed = []Item{}
	}
	return p, nil
}
