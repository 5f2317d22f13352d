package notify

import (
	"testing"

	"github.com/anlan-city/anlan/internal/respond/lifecycle"
)

// postTitles are those of a pack that knows one post.
func postTitles(post string) lifecycle.Text {
	if post == "duty-officer" {
		return lifecycle.Words("Duty officer", "值班员")
	}
	return lifecycle.Verbatim(post)
}

// The line that says who was told names posts by their titles, in both languages.
func TestToldByTitle(t *testing.T) {
	s := &Service{Deps: Deps{Posts: postTitles}}
	c := &Chain{Title: lifecycle.Words("Task to be acknowledged", "任务待签收")}
	gas := lifecycle.Words("Gas company", "燃气公司")
	for _, x := range []struct {
		organisation lifecycle.Text
		post         string
		round        int
		want         lifecycle.Text
	}{
		{gas, "duty-officer", 0, lifecycle.Words("Told Gas company, Duty officer: Task to be acknowledged", "已通知燃气公司（值班员）：任务待签收")},
		{gas, "harbour-watch", 0, lifecycle.Words("Told Gas company, harbour-watch: Task to be acknowledged", "已通知燃气公司（harbour-watch）：任务待签收")},
		{gas, "", 0, lifecycle.Words("Told Gas company: Task to be acknowledged", "已通知燃气公司：任务待签收")},
		{lifecycle.Text{}, "duty-officer", 2, lifecycle.Words("Told the city's watch, Duty officer: Task to be acknowledged (reminder 2)", "已通知市值班室（值班员）：任务待签收（第 2 次催办）")},
	} {
		if got := toldWords(c, s.called(x.organisation, x.post), lifecycle.Text{}, x.round); got != x.want {
			t.Errorf("%v, %q: %v", x.organisation, x.post, got)
		}
	}
	want := lifecycle.Words("Told Gas company: Task to be acknowledged: Close the valve", "已通知燃气公司：任务待签收：关闭阀门")
	if got := toldWords(c, s.called(gas, ""), lifecycle.Words("Close the valve", "关闭阀门"), 0); got != want {
		t.Errorf("of a task: %v", got)
	}
}
