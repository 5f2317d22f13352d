package packtool

import (
	"path/filepath"
	"strings"
	"testing"
)

// Posts among the packs that are checked together: what a rule names has a title somewhere, and one title only.
func TestPostsAmongPacks(t *testing.T) {
	main := func(name, posts string) string {
		return "pack: " + name + "\ntitle: {en: X, zh-CN: 某}\n" + posts
	}
	crew := func(en, zh string) string {
		return "posts: {lift-crew: {title: {en: " + en + ", zh-CN: " + zh + "}}}\n"
	}
	named := strings.Replace(cases, "who: [duty-officer]}", "who: [duty-officer], opens: [{title: {en: Go, zh-CN: 赶赴现场}, post: lift-crew, due: 1h}, {title: {en: Look, zh-CN: 查看}, post: lift-crew, due: 1h}]}", 1)
	for _, x := range []struct {
		name      string
		one, two  string // what each declares; one names lift-crew
		want      []string
		exit, all int
	}{
		{"one declares it", crew("Lift crew", "电梯维保队"), "", nil, 0, 0},
		{"another declares it", "", crew("Lift crew", "电梯维保队"), nil, 0, 0},
		{"both call it the same", crew("Lift crew", "电梯维保队"), crew("Lift crew", "电梯维保队"), nil, 0, 0},
		{"nobody declares it", "", "posts: {lift-crews: {title: {en: Lift crews, zh-CN: 电梯维保队}}}\n",
			[]string{`/one/cases.yaml:9:144: warning: no pack here gives the post lift-crew a title, did you mean "lift-crews"? [P071]`}, 3, 1},
		{"they call it by two names", crew("Lift crew", "电梯维保队"), crew("Lift crew", "电梯救援队"),
			[]string{`/two/pack.yaml:3:9: the pack one calls the post lift-crew {en: Lift crew, zh-CN: 电梯维保队}; all packs call a post the same [P014]`}, 1, 1},
		{"a title in one language", "posts: {lift-crew: {title: {en: Lift crew}}}\n", "", []string{"/one/pack.yaml:3:28: ", "[P009]"}, 1, 1},
		{"a post without a title", "posts: {lift-crew: {}}\n", "", []string{"/one/pack.yaml:3:20: posts lift-crew lacks \"title\" [P005]"}, 1, 1},
		{"a post is no person", "posts: {id-card: {title: {en: ID card number, zh-CN: 身份证号}}}\n", crew("Lift crew", "电梯维保队"), []string{"[P040]"}, 1, -1},
	} {
		dir := write(t, map[string]string{
			"one/pack.yaml": main("one", x.one), "one/cases.yaml": named, "one/cases_test.yaml": caseTest, "one/README.md": "One",
			"two/pack.yaml": main("two", x.two), "two/README.md": "Two",
		})
		r, err := tool().Check(filepath.Join(dir, "one"), filepath.Join(dir, "two"))
		if err != nil {
			t.Fatal(err)
		}
		text := r[0].Problems.Error() + "\n" + r[1].Problems.Error()
		for _, want := range x.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %s in\n%s", x.name, want, text)
			}
		}
		if n := len(r[0].Problems) + len(r[1].Problems); r.ExitCode() != x.exit || x.all >= 0 && n != x.all {
			t.Errorf("%s: exit code %d, %d problems\n%s", x.name, r.ExitCode(), n, text)
		}
	}
}
