package engine

import (
	"strings"
	"testing"

	"github.com/anlan-city/anlan/internal/pack"
)

// What is said of a mistake is said once, at its place, with what was meant; nothing that only follows from it is said
// besides.
func TestMistakes(t *testing.T) {
	const levels = "  clear: {when: \"value < 3\", for: 3m}\n  levels:\n    "
	single := func(rest string) string { return rule(kitchen + rest) }
	derived := func(entry string) string {
		return single("  derives: {rise: " + entry + "}\n" + levels + "yellow: {when: \"value >= 5\", for: 2m}\n")
	}
	for _, c := range []struct{ rules, want string }{
		{derived("10m"), "15:19: derives rise needs keys, not a text; write rise: {rise_within: 10m} [P004]"},
		{derived("{rise_within: 10}"), "15:33: rise_within needs a duration such as 30s, 10m, 2h or 3d, not a number; write 10s, 10m, 10h or 10d [P004]"},
		{derived("{rise: 10m}"), "15:20: unknown key \"rise\", did you mean \"rise_within\"? [P003]"},
		{derived("{average_over: 1w}"), "15:34: average_over needs a duration such as 30s, 10m, 2h or 3d, not \"1w\", did you mean \"7d\"? [P006]"},
		{strings.Replace(single("  derives:\n    first: {of: second, highest_over: 10m}\n    second: {rise_within: 10m}\n"+levels+"yellow: {when: \"first >= 5 || second >= 5\", for: 2m}\n"), `"value < 3"`, `"first < 3 && second < 3"`, 1),
			"16:17: no variable \"second\" stands before it [P011]"},
		{derived("{unusual: {}}"), "15:19: rise needs a budget: its limit follows from how many false alarms the owner allows [P005]"},
		{single(levels + "amber: {when: \"value >= 5\", for: 2m}\n"), "17:5: unknown level \"amber\"; there are blue, yellow, orange and red [P012]"},
		{single(levels + "yellow: {when: \"value >= 5%LEL\", for: 2m}\n"), "17:31: a limit has no unit, and value is in %LEL: write 5 [P020]"},
		{single(levels + "yellow: \"value >= 5\"\n"), "17:13: levels yellow needs keys, not a text; write yellow: {when: \"value >= 5\"} [P004]"},
		{single("  stuck: 6h\n" + levels + "yellow: {when: \"value >= 5\"}\n"), "15:10: stuck needs keys, not a text; write stuck: {after: 6h} [P004]"},
		{single("  stuck: {after: 6h, by: 5mm}\n" + levels + "yellow: {when: \"value >= 5\"}\n"), "15:26: by needs a number without a unit, not \"5mm\"; packs-reference.md says which unit it is in [P004]"},
		{strings.Replace(single(levels+"yellow: {when: \"value >= 5\"}\n"), "silent_after", "silent", 1), "14:3: unknown key \"silent\", did you mean \"silent_after\"? [P003]"},
		{rule("  per: place\n  every: 1m\n  silent_after: 24h\n  inputs:\n    bad-gas: {watches: methane, on: kitchen-alarm}\n" + strings.ReplaceAll(levels, "value", "bad_gas") + "yellow: {when: \"bad_gas >= 5\"}\n"),
			"13:5: \"bad-gas\" is no name of a variable; these are lower-case words of a-z and 0-9 joined by underscores, did you mean \"bad_gas\"? [P006]"},
	} {
		_, err := compileText(c.rules)
		ds, _ := err.(pack.Diagnostics)
		got, _, _ := strings.Cut(strings.TrimPrefix(ds.Error(), "packs/gas/detectors.yaml:"), "\n")
		if len(ds) != 1 || got != c.want {
			t.Errorf("\n got %v\nwant %s", ds, c.want)
		}
	}
}
