package watch

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/anlan-city/anlan/internal/access"
	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/ledger"
	"github.com/anlan-city/anlan/internal/platform/db"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond"
)

const (
	// MaxRoster bounds how far a roster is shown at a time, and maxShift how long one shift may be.
	MaxRoster = 62 * 24 * time.Hour
	maxShift  = 48 * time.Hour
	// maxImport bounds the rows of one import.
	maxImport = 5000
)

// Post is an office that is reached by telephone, and may have a roster. Name "" is the organisation itself.
type Post struct {
	ID           int64  `json:"id"`
	Organisation int64  `json:"organisation"`
	Name         string `json:"name" doc:"the post's name within its organisation; empty: the organisation itself"`
	Title        Text   `json:"title"`
	Phone        string `json:"phone" doc:"the office's number"`
	Covered      bool   `json:"covered" doc:"it is to be manned round the clock: gaps in its roster are shown"`
}

// Shift is who is at a post from a time to a time.
type Shift struct {
	ID   int64     `json:"id"`
	Post int64     `json:"post"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Who  string    `json:"who" doc:"an account's name, or the title of a post"`
}

// Gap is a time in which nobody stands in the roster of a post that is to be manned.
type Gap struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

var (
	postName   = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} _./()（）-]{0,79}$`)
	phoneSigns = regexp.MustCompile(`[\s().-]+`)
	// Numbers that offices have: short codes (110, 12345, 962333), local fixed lines, fixed lines with their area code, and
	// 400 and 800 numbers; each but the short ones with an extension.
	officePhone = regexp.MustCompile(`^(?:[1-9][0-9]{2,5}|(?:(?:\+?86|0086)?0?(?:10|2[0-9]|[3-9][0-9]{2}))?[2-8][0-9]{6,7}|[48]00[0-9]{7})(?:(?:x|ext|转)[0-9]{1,6})?$`)
	mobilePhone = regexp.MustCompile(`^(?:\+?86|0086|0)?1[3-9][0-9]{9}`)
)

// checkPhone brings a number into form, or says why it is none of an office. The directory is of offices: a mobile telephone is
// a person's, whoever pays for it.
func checkPhone(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	bare := strings.ToLower(phoneSigns.ReplaceAllString(guard.Fold(s), ""))
	switch {
	case mobilePhone.MatchString(bare):
		return "", bad("watch.mobile", "phone", "%q is a mobile telephone; the directory holds numbers of offices only", s)
	case !officePhone.MatchString(bare):
		return "", bad("watch.phone", "phone", "%q is no number of an office; expected a short code such as 110, or a fixed line such as 021-6288 1234 or 6288 1234 转 8021", s)
	}
	return s, nil
}

// checkWho refuses telephones and the like: a roster says which post or account, not how to reach a person.
func checkWho(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", bad("watch.missing", "who", "expected the name of an account, or the title of a post")
	}
	if len([]rune(s)) > 80 {
		return "", bad("watch.too_long", "who", "at most 80 characters")
	}
	if guard.Reveals(s) {
		return "", bad("watch.personal", "who", "%q holds a number of a person; write an account or a post", s)
	}
	return s, nil
}

// --- posts

// PutPost adds a post, or changes the one of that organisation and name.
func (s *Service) PutPost(ctx context.Context, p Post, key string) (respond.Receipt, error) {
	if err := s.decide(ctx, "watch.roster", 0, p.Organisation); err != nil {
		return respond.Receipt{}, err
	}
	if p.Organisation == 0 {
		return respond.Receipt{}, bad("watch.missing", "organisation", "a post belongs to an organisation")
	}
	if err := s.organisation(ctx, p.Organisation, "organisation"); err != nil {
		return respond.Receipt{}, err
	}
	if p.Name = strings.TrimSpace(p.Name); p.Name != "" && (!postName.MatchString(p.Name) || guard.Reveals(p.Name)) {
		return respond.Receipt{}, bad("watch.post", "name", "%q is no name of a post; expected letters, such as duty-office", p.Name)
	}
	for _, t := range []*string{&p.Title.En, &p.Title.Zh} {
		if *t = strings.TrimSpace(*t); len([]rune(*t)) > 80 || guard.Reveals(*t) {
			return respond.Receipt{}, bad("watch.title", "title", "%q is no title of a post: at most 80 characters, and no number of a person", *t)
		}
	}
	if p.Name != "" && p.Title.En == "" && p.Title.Zh == "" {
		p.Title = s.Posts(p.Name)
	}
	var err error
	if p.Phone, err = checkPhone(p.Phone); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"post", p}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		if err := putPost(tx, &p); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: p.ID}, errors.Join(tell(tx, "roster", p.ID, 0, p.Organisation, now), ledger.Append(tx, ledger.Entry{
			Action: "watch.roster", Actor: actorName(who), ActorID: who.ID, Subject: "post", SubjectID: p.ID, At: now,
			Detail: map[string]any{"organisation": p.Organisation, "name": p.Name, "phone": p.Phone, "covered": p.Covered},
		}))
	})
}

// RemovePost takes a post with its coming shifts out of the directory.
func (s *Service) RemovePost(ctx context.Context, id int64, key string) (respond.Receipt, error) {
	p, err := s.postFor(ctx, id)
	if err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"remove post", id}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		if err := removePost(tx, id, now); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: id}, errors.Join(tell(tx, "roster", id, 0, p.Organisation, now), ledger.Append(tx, ledger.Entry{
			Action: "watch.roster", Actor: actorName(who), ActorID: who.ID, Subject: "post", SubjectID: id, At: now,
			Detail: map[string]any{"removed": true},
		}))
	})
}

// postFor returns a post whose roster the actor keeps.
func (s *Service) postFor(ctx context.Context, id int64) (p Post, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		p, err = getPost(tx, id)
		return err
	})
	if err != nil {
		return p, unknown(err, "post", id)
	}
	return p, s.decide(ctx, "watch.roster", p.ID, p.Organisation)
}

// --- shifts

// ShiftRequest asks for a shift.
type ShiftRequest struct {
	Post int64     `json:"post"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	Who  string    `json:"who" doc:"an account's name, or the title of a post"`
}

func (r *ShiftRequest) check() (err error) {
	r.From, r.To = r.From.UTC().Truncate(time.Microsecond), r.To.UTC().Truncate(time.Microsecond)
	switch {
	case !r.From.Before(r.To):
		return bad("watch.shift", "to", "the shift ends at %s, before it begins", r.To.Format(time.RFC3339))
	case r.To.Sub(r.From) > maxShift:
		return bad("watch.shift", "to", "a shift is at most %d hours long", int(maxShift.Hours()))
	}
	r.Who, err = checkWho(r.Who)
	return err
}

// AddShift puts a shift into the roster of a post.
func (s *Service) AddShift(ctx context.Context, r ShiftRequest, key string) (respond.Receipt, error) {
	p, err := s.postFor(ctx, r.Post)
	if err != nil {
		return respond.Receipt{}, err
	}
	if err := r.check(); err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"shift", r}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		id, err := s.addShift(tx, r)
		if err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: id}, errors.Join(tell(tx, "roster", p.ID, 0, p.Organisation, now), ledger.Append(tx, ledger.Entry{
			Action: "watch.roster", Actor: actorName(who), ActorID: who.ID, Subject: "post", SubjectID: p.ID, At: now,
			Detail: map[string]any{"shift": id, "from": r.From.Format(time.RFC3339), "to": r.To.Format(time.RFC3339), "who": r.Who},
		}))
	})
}

// addShift refuses the same person twice at a time at one post; two people may share it.
func (s *Service) addShift(tx *db.Tx, r ShiftRequest) (int64, error) {
	there, err := shifts(tx, r.Post, r.From, r.To)
	if err != nil {
		return 0, err
	}
	for _, x := range there {
		if x.Who == r.Who {
			return 0, web.Errorf(http.StatusConflict, "watch.shift_twice", "%s stands in the roster from %s to %s already", r.Who,
				x.From.In(s.Zone).Format("2006-01-02 15:04"), x.To.In(s.Zone).Format("2006-01-02 15:04")).At("from")
		}
	}
	return insertShift(tx, r)
}

// RemoveShift takes a shift out of the roster.
func (s *Service) RemoveShift(ctx context.Context, id int64, key string) (respond.Receipt, error) {
	var x Shift
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		x, err = getShift(tx, id)
		return err
	})
	if err != nil {
		return respond.Receipt{}, unknown(err, "shift", id)
	}
	p, err := s.postFor(ctx, x.Post)
	if err != nil {
		return respond.Receipt{}, err
	}
	who := access.From(ctx)
	return s.Cases.Once(ctx, key, []any{"remove shift", id}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		if err := removeShift(tx, id, now); err != nil {
			return respond.Receipt{}, err
		}
		return respond.Receipt{Item: id}, errors.Join(tell(tx, "roster", p.ID, 0, p.Organisation, now), ledger.Append(tx, ledger.Entry{
			Action: "watch.roster", Actor: actorName(who), ActorID: who.ID, Subject: "post", SubjectID: p.ID, At: now,
			Detail: map[string]any{"shift": id, "removed": true},
		}))
	})
}

// Import takes a roster as CSV with the columns post, from, to and who; post is the post's number, or organisation/name with the
// organisation's number. Times are RFC 3339, or the city's local "2006-01-02 15:04". All is taken, or nothing: what is wrong comes
// with its lines.
func (s *Service) Import(ctx context.Context, body io.Reader, key string) (respond.Receipt, int, error) {
	rows, err := s.readRoster(ctx, body)
	if err != nil {
		return respond.Receipt{}, 0, err
	}
	who := access.From(ctx)
	done, err := s.Cases.Once(ctx, key, []any{"roster", rows}, func(tx *db.Tx, now time.Time) (respond.Receipt, error) {
		for i, r := range rows {
			_, err := s.addShift(tx, r)
			var e *web.Error
			if errors.As(err, &e) {
				e.Line = i + 2
			}
			if err != nil {
				return respond.Receipt{}, err
			}
		}
		return respond.Receipt{Item: int64(len(rows))}, errors.Join(tell(tx, "roster", 0, 0, who.Organisation, now), ledger.Append(tx, ledger.Entry{
			Action: "watch.roster", Actor: actorName(who), ActorID: who.ID, Subject: "roster", At: now, Detail: map[string]any{"shifts": len(rows)},
		}))
	})
	return done, len(rows), err
}

func (s *Service) readRoster(ctx context.Context, body io.Reader) ([]ShiftRequest, error) {
	read := csv.NewReader(body)
	read.FieldsPerRecord = -1
	head, err := read.Read()
	if err != nil {
		return nil, bad("watch.roster_file", "body", "expected a CSV file whose first line is post,from,to,who: %s", err)
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))] = i
	}
	for _, name := range []string{"post", "from", "to", "who"} {
		if _, ok := at[name]; !ok {
			return nil, bad("watch.roster_file", "body", "the first line lacks the column %s; expected post,from,to,who", name)
		}
	}
	posts, err := s.posts(ctx)
	if err != nil {
		return nil, err
	}
	var rows []ShiftRequest
	var wrong []web.Detail
	for line := 2; ; line++ {
		record, err := read.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, bad("watch.roster_file", "body", "line %d: %s", line, err)
		}
		if len(rows) == maxImport {
			return nil, bad("watch.roster_file", "body", "at most %d rows at a time", maxImport)
		}
		cell := func(name string) string {
			if i := at[name]; i < len(record) {
				return strings.TrimSpace(record[i])
			}
			return ""
		}
		r, err := s.rosterRow(ctx, posts, cell)
		if err != nil {
			d := web.Detail{Message: err.Error(), Line: line}
			var e *web.Error
			if errors.As(err, &e) {
				d.Message, d.Field = e.Message, e.Field
			}
			wrong = append(wrong, d)
			continue
		}
		rows = append(rows, r)
	}
	if len(wrong) > 0 {
		e := web.Errorf(http.StatusUnprocessableEntity, "watch.roster_file", "line %d: %s", wrong[0].Line, wrong[0].Message)
		e.Line, e.Errors = wrong[0].Line, wrong
		return nil, e
	}
	return rows, nil
}

func (s *Service) rosterRow(ctx context.Context, posts []Post, cell func(string) string) (r ShiftRequest, err error) {
	name := cell("post")
	i := slices.IndexFunc(posts, func(p Post) bool {
		return strconv.FormatInt(p.ID, 10) == name || fmt.Sprintf("%d/%s", p.Organisation, p.Name) == name
	})
	if i < 0 {
		return r, bad("watch.unknown_post", "post", "there is no post %q", name)
	}
	if err := s.decide(ctx, "watch.roster", posts[i].ID, posts[i].Organisation); err != nil {
		return r, err
	}
	r = ShiftRequest{Post: posts[i].ID, Who: cell("who")}
	for _, t := range []struct {
		name string
		to   *time.Time
	}{{"from", &r.From}, {"to", &r.To}} {
		if *t.to, err = time.Parse(time.RFC3339, cell(t.name)); err != nil {
			if *t.to, err = time.ParseInLocation("2006-01-02 15:04", cell(t.name), s.Zone); err != nil {
				return r, bad("watch.time", t.name, "%q is no time; expected 2026-11-23 08:00, or with an offset 2026-11-23T08:00:00+08:00", cell(t.name))
			}
		}
	}
	return r, r.check()
}

// --- reading

// PostView is a post with who is there.
type PostView struct {
	Post
	OrganisationName *Text `json:"organisation_name"`
	// FromRegister: only a duty of the register names it; it has no number yet.
	FromRegister bool    `json:"from_register,omitempty" doc:"only a duty of the register names it"`
	Now          []Shift `json:"now" doc:"who is on"`
	Next         *Shift  `json:"next" doc:"who comes next"`
}

// PostRoster is a post with its shifts in a time.
type PostRoster struct {
	PostView
	Shifts []Shift `json:"shifts"`
	Gaps   []Gap   `json:"gaps"`
}

func (s *Service) posts(ctx context.Context) (all []Post, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		all, err = allPosts(tx)
		return err
	})
	return all, err
}

// Phones is the directory of duty phones: all posts with their offices' numbers, also those that only a duty of the register
// names, which have none yet; by organisation and name.
func (s *Service) Phones(ctx context.Context) ([]PostView, error) {
	if err := s.Access.Decide(ctx, "watch.read", access.Resource{Type: "watch"}, access.Operations); err != nil {
		return nil, err
	}
	now := s.now()
	var posts []Post
	var on []Shift
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if posts, err = allPosts(tx); err == nil {
			on, err = shifts(tx, 0, now, now.Add(maxShift))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	duties, err := s.Register.Posts(ctx)
	if err != nil {
		return nil, fmt.Errorf("posts of the register: %w", err)
	}
	name := s.names(ctx)
	out := []PostView{}
	for _, p := range posts {
		v := PostView{Post: p, OrganisationName: name(p.Organisation)}
		v.Now, v.Next = atPost(on, p.ID, now)
		out = append(out, v)
	}
	for _, d := range duties {
		if d.Name != "" && !slices.ContainsFunc(posts, func(p Post) bool { return p.Organisation == d.Organisation && p.Name == d.Name }) {
			out = append(out, PostView{Post: Post{Organisation: d.Organisation, Name: d.Name, Title: s.Posts(d.Name)},
				OrganisationName: name(d.Organisation), FromRegister: true, Now: []Shift{}})
		}
	}
	return out, nil
}

// Roster is who is at which post from a time to a time, with the gaps of those that are to be manned.
func (s *Service) Roster(ctx context.Context, from, to time.Time) ([]PostRoster, error) {
	if err := s.Access.Decide(ctx, "watch.read", access.Resource{Type: "watch"}, access.Operations); err != nil {
		return nil, err
	}
	now := s.now()
	if from.IsZero() {
		from = now
	}
	if to.IsZero() {
		to = from.Add(7 * 24 * time.Hour)
	}
	if !from.Before(to) || to.Sub(from) > MaxRoster {
		return nil, bad("watch.span", "to", "a roster is shown for more than nothing and %d days at most", int(MaxRoster.Hours()/24))
	}
	var posts []Post
	var in, on []Shift
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if posts, err = allPosts(tx); err != nil {
			return err
		}
		if in, err = shifts(tx, 0, from, to); err != nil {
			return err
		}
		on, err = shifts(tx, 0, now, now.Add(7*24*time.Hour))
		return err
	})
	if err != nil {
		return nil, err
	}
	name := s.names(ctx)
	out := []PostRoster{}
	for _, p := range posts {
		r := PostRoster{PostView: PostView{Post: p, OrganisationName: name(p.Organisation)}, Shifts: []Shift{}, Gaps: []Gap{}}
		r.Now, r.Next = atPost(on, p.ID, now)
		for _, x := range in {
			if x.Post == p.ID {
				r.Shifts = append(r.Shifts, x)
			}
		}
		if p.Covered {
			r.Gaps = gaps(r.Shifts, from, to)
		}
		out = append(out, r)
	}
	return out, nil
}

// atPost is who is at a post at a time, and who comes next. shifts stand in the order of their beginning.
func atPost(shifts []Shift, post int64, at time.Time) (now []Shift, next *Shift) {
	now = []Shift{}
	for _, x := range shifts {
		switch {
		case x.Post != post:
		case !x.From.After(at) && x.To.After(at):
			now = append(now, x)
		case x.From.After(at) && next == nil:
			next = &x
		}
	}
	return now, next
}

// gaps are the times from one to another in which none of the shifts is; they stand in the order of their beginning.
func gaps(shifts []Shift, from, to time.Time) []Gap {
	out := []Gap{}
	at := from
	for _, x := range shifts {
		if x.From.After(at) {
			out = append(out, Gap{at, earlier(x.From, to)})
		}
		if x.To.After(at) {
			at = x.To
		}
		if !at.Before(to) {
			return out
		}
	}
	return append(out, Gap{at, to})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
