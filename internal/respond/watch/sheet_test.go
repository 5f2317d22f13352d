package watch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anlan-city/anlan/internal/platform/db/dbtest"
	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/respond"
)

// badMorning is a brief after a night on which much happened, with titles as officers write them.
func badMorning() *Brief {
	b := &Brief{Span: respond.Span{From: start.Add(-24 * time.Hour), To: start}, At: start}
	item := func(kind string, id int, title string) Item {
		since, due := start.Add(-time.Duration(id)*time.Hour), start.Add(-time.Minute)
		return Item{Kind: kind, ID: int64(id), Case: int64(id), Level: grades[id%4], Since: &since, DueAt: &due, Overdue: true,
			Title: Text{En: "Emergency incident: " + title, Zh: "突发事件：" + title}, State: Text{En: "Being handled · Langang Drainage Company", Zh: "现场处置 · 澜港市排水有限公司"}}
	}
	for i := range 20 {
		b.Incidents = append(b.Incidents, item(ItemCase, i+1, fmt.Sprintf("港湾区滨海路与渔港路交叉口下立交积水%d厘米，3辆小客车熄火，人员已全部撤离，正在组织抽排并实施交通管制", 20+i)))
		b.Overdue = append(b.Overdue, item(ItemCase, i+1, "西城镇建设路212弄地下车库进水，配电间断电，居民楼停梯，电梯困人2处均已解救"))
	}
	for i := range 6 {
		w := item(ItemWarning, i+1, "")
		w.Level, w.Title, w.State = []string{"red", "orange", "yellow", "blue"}[i%4], Text{En: "Rainstorm warning of Langang", Zh: "澜港市气象台发布暴雨橙色预警信号，市防汛指挥部同步启动防汛防台响应行动"}, Text{En: "in force", Zh: "生效中"}
		b.Warnings = append(b.Warnings, w)
	}
	figure := func(group string, lines ...string) {
		for _, line := range lines {
			for _, column := range briefColumns[group] {
				b.Figures = append(b.Figures, Figure{Group: group, Line: line, Title: Text{En: line, Zh: line}, Column: column, N: 3, Rows: b.Incidents[:3]})
			}
		}
	}
	figure(GroupIncidents, "特别重大", "重大", "较大", "一般", "未定级")
	figure(GroupCases, "突发事件", "燃气泄漏", "积水内涝", "停电", "供水中断", "路面塌陷", "窨井盖缺损", "桥梁结构异常", "电梯困人", "消防通道占用", "危险化学品异常", "隐患整改")
	figure(GroupWarnings, "红色", "橙色", "黄色", "蓝色")
	figure(GroupAlarms, "duty-officer", "gas", "drainage", "power")
	figure(GroupReports, "初报", "续报", "终报")
	figure(GroupInstructions, "领导批示")
	figure(GroupDistricts, "港湾区", "西城区", "东城区", "新城区", "开发区", "盐仓镇", "其他")
	return b
}

// printed is the page of a brief with its style in it.
func (w *world) printed(b *Brief, lang string) string {
	w.t.Helper()
	var text bytes.Buffer
	if err := w.pages.byLang[lang].Execute(&text, w.sheet(b, lang, w.pages.style)); err != nil {
		w.t.Fatal(err)
	}
	link := `<link rel="stylesheet" href="` + w.pages.style + `">`
	if !strings.Contains(text.String(), link) {
		w.t.Fatal("no style")
	}
	return strings.Replace(text.String(), link, "<style>"+string(w.pages.css)+"</style>", 1)
}

func TestTheBriefSaysWhatItLeavesOut(t *testing.T) {
	w := newWorld(t, dbtest.SQLite(t, tables()...))
	b := badMorning()
	zh, en := w.printed(b, page.Chinese), w.printed(b, page.English)
	rows := len(regexp.MustCompile(`<li>`).FindAllString(zh, -1))
	if rows != oneSheet {
		t.Errorf("%d rows, want %d", rows, oneSheet)
	}
	more := regexp.MustCompile(`<li class="more"><a href="/console/duty/rows\?figure=lists%2F([a-z]+)%2Fall&amp;[^"]+">另有 (\d+) ([起项])</a>`).FindAllStringSubmatch(zh, -1)
	var got []string
	for _, m := range more {
		got = append(got, m[1]+m[2]+m[3])
	}
	if want := []string{"incidents11起", "overdue11项"}; !slices.Equal(got, want) {
		t.Errorf("left out %v, want %v", got, want)
	}
	if !strings.Contains(en, ">11 more</a>") || strings.Contains(zh, "交通管制") || !strings.Contains(zh, "积水20厘米") {
		t.Error("long titles are cut, short words stay")
	}
	// Behind the link stand all rows.
	for range 30 {
		w.call("major")
	}
	all, err := w.Figure(officer(2), respond.Span{From: start.Add(-time.Hour), To: start.Add(time.Minute)}, "lists/incidents/all")
	if err != nil || all.N != 30 || len(all.Rows) != 30 {
		t.Errorf("%+v, %v", all.N, err)
	}
	if _, err := json.Marshal(all); err != nil {
		t.Error(err)
	}
}

func TestListsShareTheRoom(t *testing.T) {
	for _, c := range []struct {
		sizes, want []int
	}{
		{[]int{20, 6, 20}, []int{9, 6, 9}}, {[]int{30, 0, 0}, []int{24, 0, 0}}, {[]int{1, 2, 3}, []int{1, 2, 3}}, {[]int{40, 40, 1}, []int{12, 11, 1}},
	} {
		if got := share(24, c.sizes); !slices.Equal(got, c.want) {
			t.Errorf("%v share %v, want %v", c.sizes, got, c.want)
		}
	}
}

// It prints on one sheet of A4, also on a bad morning.
func TestTheBriefPrintsOnOneSheet(t *testing.T) {
	without := func(why string, err error) {
		t.Helper()
		if os.Getenv("ANLAN_REQUIRE_BROWSER") != "" {
			t.Fatalf("a browser to print with is required: %s: %v", why, err)
		}
		t.Skipf("no browser to print with: %s: %v", why, err)
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		without("apt-get install chromium", err)
	}
	w := newWorld(t, dbtest.SQLite(t, tables()...))
	for _, lang := range []string{page.Chinese, page.English} {
		dir := t.TempDir()
		html, pdf := filepath.Join(dir, "brief.html"), filepath.Join(dir, "brief.pdf")
		if err := os.WriteFile(html, []byte(w.printed(badMorning(), lang)), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		out, err := exec.CommandContext(ctx, chromium, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+filepath.Join(dir, "profile"),
			"--no-pdf-header-footer", "--print-to-pdf="+pdf, "file://"+html).CombinedOutput()
		cancel()
		if err != nil {
			without(string(out), err)
		}
		b, err := os.ReadFile(pdf)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(b, -1)); n != 1 {
			t.Errorf("%s: %d pages", lang, n)
		}
	}
}
