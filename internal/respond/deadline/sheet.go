package deadline

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"github.com/anlan-city/anlan/internal/city/tabular"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// maxSheetRows is how many rows a spreadsheet is given: more is no list that a person reads.
const maxSheetRows = 200_000

// Sheet writes figures and rows as a spreadsheet of two sheets, in Chinese or English. There are no formulas in it, and what a
// person wrote stays text whatever it begins with. Times are the city's.
func (s *Service) Sheet(ctx context.Context, w io.Writer, ask Ask, chinese bool) error {
	report, err := s.Report(ctx, ask)
	if err != nil {
		return err
	}
	zone, err := s.Register.Zone(ctx)
	if err != nil {
		return err
	}
	f := excelize.NewFile()
	defer f.Close()
	b := &book{File: f, zone: zone, chinese: chinese, posts: s.PostTitle}
	if b.bold, err = f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}}); err != nil {
		return err
	}
	format := "yyyy-mm-dd hh:mm:ss"
	if b.date, err = f.NewStyle(&excelize.Style{CustomNumFmt: &format}); err != nil {
		return err
	}
	share := "0.0%"
	if b.share, err = f.NewStyle(&excelize.Style{CustomNumFmt: &share}); err != nil {
		return err
	}
	if err := b.figures(report); err != nil {
		return err
	}
	if err := b.rows(func(each func(RowView) error) error {
		n := 0
		for after := ""; ; {
			page, err := s.Rows(ctx, ask, after, 5000)
			if err != nil {
				return err
			}
			for _, r := range page.Items {
				if n++; n > maxSheetRows {
					return web.Errorf(http.StatusUnprocessableEntity, "deadlines.too_many", "more than %d rows: narrow the span or the filter", maxSheetRows).At("from")
				}
				if err := each(r); err != nil {
					return err
				}
			}
			if after = page.Next; after == "" {
				return nil
			}
		}
	}); err != nil {
		return err
	}
	return f.Write(w)
}

type book struct {
	*excelize.File
	zone              *time.Location
	chinese           bool
	posts             func(post string) lifecycle.Text
	bold, date, share int
	row               int
	out               *excelize.StreamWriter
}

func (b *book) say(t lifecycle.Text) string {
	if b.chinese && t.Zh != "" || t.En == "" {
		return t.Zh
	}
	return t.En
}

func (b *book) words(en, zh string) string { return b.say(lifecycle.Words(en, zh)) }

// sheet begins a sheet whose first row stays in sight.
func (b *book) sheet(name string, first bool, header ...string) (err error) {
	if first {
		err = b.SetSheetName(b.GetSheetName(0), name)
	} else {
		_, err = b.NewSheet(name)
	}
	if err != nil {
		return err
	}
	if b.out, err = b.NewStreamWriter(name); err != nil {
		return err
	}
	if err := b.out.SetColWidth(1, len(header), 18); err != nil {
		return err
	}
	if err := b.out.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	b.row = 0
	cells := make([]any, len(header))
	for i, h := range header {
		cells[i] = excelize.Cell{StyleID: b.bold, Value: h}
	}
	return b.add(cells...)
}

func (b *book) add(cells ...any) error {
	for i, c := range cells {
		if text, ok := c.(string); ok && utf8.RuneCountInString(text) > tabular.MaxSheetCell {
			return fmt.Errorf("a text of %d characters is longer than a cell can hold", utf8.RuneCountInString(text))
		} else if ok && text == "" {
			cells[i] = nil
		}
	}
	b.row++
	at, err := excelize.CoordinatesToCellName(1, b.row)
	if err != nil {
		return err
	}
	return b.out.SetRow(at, cells)
}

// time is a moment as a cell with the wall clock of the city.
func (b *book) time(t *time.Time) any {
	if t == nil {
		return nil
	}
	l := t.In(b.zone)
	return excelize.Cell{StyleID: b.date, Value: time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, time.UTC)}
}

func hours(seconds *int64) any {
	if seconds == nil {
		return nil
	}
	return float64(*seconds) / 3600
}

func (b *book) figures(r *Report) error {
	by := map[By]string{
		ByOrganisation: b.words("Organisation", "单位"), ByPost: b.words("Organisation", "单位"), ByCategory: b.words("Category", "类别"),
		ByArea: b.words("Area", "辖区"), ByKind: b.words("Kind of case", "案卷类型"), ByWhat: b.words("Limit of", "时限类别"),
	}[r.By]
	err := b.sheet(b.words("Figures", "统计"), true, by, b.words("Post or id", "岗位或编号"), b.words("Limits", "时限数"), b.words("On time", "按期办结"),
		b.words("Late", "超期办结"), b.words("Open, within limit", "期限内在办"), b.words("Open, past limit", "超期未办结"), b.words("Passed on", "已转办"),
		b.words("Withdrawn", "已撤销"), b.words("On time, share", "按期办结率"), b.words("Lateness, median (h)", "超期时长中位数（小时）"),
		b.words("Lateness, 90 % (h)", "超期时长 90 分位（小时）"), b.words("Extensions", "延期次数"), b.words("On time since extended", "延期后按期办结"),
		b.words("Late, passed on", "超期后转办"), b.words("Withdrawn past limit", "超期后撤销"), b.words("Private cases (tens)", "不公开案卷（整十）"))
	if err != nil {
		return err
	}
	line := func(title, second string, f Figures, private int) error {
		var share, hidden any
		if f.OnTimeShare != nil {
			share = excelize.Cell{StyleID: b.share, Value: *f.OnTimeShare}
		}
		if private > 0 {
			hidden = private
		}
		return b.add(title, second, f.Rows, f.OnTime, f.Late, f.Within, f.Past, f.PassedOn, f.Withdrawn, share, hours(f.LateMedian), hours(f.Late90),
			f.Extensions, f.AfterFirst, f.LatePassedOn, f.WithdrawnPast, hidden)
	}
	for _, g := range r.Groups {
		second := g.Filter[string(r.By)]
		if second == None {
			second = ""
		} else if r.By == ByPost {
			second = b.post(second)
		}
		if err := line(b.say(g.Title), second, g.Figures, g.Private); err != nil {
			return err
		}
	}
	if err := line(b.words("All", "合计"), "", r.Total, r.Private); err != nil {
		return err
	}
	if err := b.add(); err != nil {
		return err
	}
	for _, note := range []struct {
		what string
		at   *time.Time
	}{{b.words("Limits from", "时限起"), r.From}, {b.words("Limits before", "时限止"), r.To}, {b.words("As of", "统计时间"), &r.At}} {
		if note.at != nil {
			if err := b.add(note.what, b.time(note.at), r.Zone); err != nil {
				return err
			}
		}
	}
	return b.out.Flush()
}

func (b *book) rows(all func(each func(RowView) error) error) error {
	err := b.sheet(b.words("Rows", "明细"), false, b.words("Case", "案卷号"), b.words("Limit", "时限"), b.words("Limit of", "时限类别"), b.words("Status", "状态"),
		b.words("Kind of case", "案卷类型"), b.words("Category", "类别"), b.words("Organisation", "单位"), b.words("Post", "岗位"), b.words("Area", "辖区"),
		b.words("Began", "开始时间"), b.words("First limit", "原时限"), b.words("Limit at", "时限"), b.words("Extensions", "延期次数"), b.words("Ended", "结束时间"),
		b.words("Late by (h)", "超期（小时）"))
	if err != nil {
		return err
	}
	status := map[Status]string{
		OnTime: b.words("on time", "按期办结"), Late: b.words("late", "超期办结"), Within: b.words("open, within limit", "期限内在办"),
		Past: b.words("open, past limit", "超期未办结"), Passed: b.words("passed on", "已转办"), IsWithdrawn: b.words("withdrawn", "已撤销"),
	}
	err = all(func(r RowView) error {
		var late any
		if r.Late > 0 {
			late = float64(r.Late) / 3600
		}
		return b.add(r.Case, b.say(r.Title), b.say(whatWords(r.What)), status[r.Status], orID(b.say(r.KindTitle), r.Kind), orID(b.say(r.CategoryTitle), r.Category),
			b.say(r.OrganisationName), b.post(r.Post), b.say(r.AreaName), b.time(&r.StartedAt), b.time(&r.FirstDueAt), b.time(&r.DueAt), r.Extensions, b.time(r.EndedAt), late)
	})
	if err != nil {
		return err
	}
	return b.out.Flush()
}

// post is what a post is called.
func (b *book) post(id string) string {
	if id == "" || b.posts == nil {
		return id
	}
	return orID(b.say(b.posts(id)), id)
}

func orID(title, id string) string {
	if title == "" {
		return id
	}
	return title
}
