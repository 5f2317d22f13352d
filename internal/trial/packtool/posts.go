package packtool

import (
	"slices"

	"github.com/anlan-city/anlan/internal/pack"
)

// postKeys are where a pack names posts: files, and the key in them. A detector's owner is a post.
var postKeys = [...]struct{ file, key string }{
	{detectorsFile, "owner"}, {casesFile, "post"}, {plansFile, "post"}, {basinsFile, "post"}, {chainsFile, "post"},
}

// posts is what is wrong with a pack's posts among the others. Of two packs that are checked and disagree, the later one hears of it.
func posts(d *Domain, all []*Domain) pack.Diagnostics {
	ds := Disagree(d.Pack, before(d, all)...)
	titled := map[string]bool{}
	var known []string
	for _, o := range all {
		for _, p := range o.Pack.Posts {
			titled[p.ID] = true
			known = append(known, p.ID)
		}
	}
	for _, k := range postKeys {
		for _, s := range d.Pack.Under(k.file, k.key) {
			if s.Value != "" && !titled[s.Value] {
				titled[s.Value] = true // once is enough
				ds.Warn(s.Pos, pack.CodeUntitled, "no pack here gives the post %s a title%s", s.Value, pack.Suggest(s.Value, known))
			}
		}
	}
	return ds
}

// before are the packs that stand before d, and those that ship.
func before(d *Domain, all []*Domain) []*pack.Pack {
	var out []*pack.Pack
	earlier := true
	for _, o := range all {
		earlier = earlier && o != d
		if o != d && (earlier || o.shipped) {
			out = append(out, o.Pack)
		}
	}
	return out
}

// Disagree are the posts of p that one of the others calls something else.
func Disagree(p *pack.Pack, others ...*pack.Pack) pack.Diagnostics {
	var ds pack.Diagnostics
	for _, mine := range p.Posts {
		for _, o := range others {
			i := slices.IndexFunc(o.Posts, func(x pack.Post) bool { return x.ID == mine.ID })
			if i < 0 {
				continue
			}
			en, zh := o.Posts[i].Title.In("en"), o.Posts[i].Title.In("zh-CN")
			if en == mine.Title.In("en") && zh == mine.Title.In("zh-CN") {
				continue
			}
			ds.Add(mine.Pos, pack.CodeTwice, "the pack %s calls the post %s {en: %s, zh-CN: %s}; all packs call a post the same", o.Name, mine.ID, en, zh)
			ds.Note(o.Posts[i].Pos, "its title there")
			break
		}
	}
	return ds
}
