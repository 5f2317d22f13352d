package city

import (
	"sort"
	"strings"
	"sync"
)

// names is where words are looked for in the names of places: one text, which is searched far faster than many short ones. It is built
// when it is first needed.
type names struct {
	once   sync.Once
	text   string
	starts []int // where each place's names begin
	ids    []int64
}

// FindPlaces returns places whose name holds the words, in either language and in either case of the letters, at most limit of them, by their
// ids. It answers from memory. A place where an instrument of a home stands is never among them: where people live is
// nobody's business.
func (s *Service) FindPlaces(words string, limit int) []Spot {
	p := s.picture.Load()
	p.names.once.Do(func() { p.names.fill(p) })
	n, out := &p.names, []Spot(nil)
	words = plain(words)
	for from := 0; words != "" && len(out) < limit; {
		at := strings.Index(n.text[from:], words)
		if at < 0 {
			break
		}
		i := sort.SearchInts(n.starts, from+at+1) - 1
		out = append(out, p.places[n.ids[i]])
		if i+1 == len(n.starts) {
			break
		}
		from = n.starts[i+1]
	}
	return out
}

func (n *names) fill(p *picture) {
	homes := map[int64]bool{}
	for _, a := range p.assets {
		if a.Home {
			homes[a.Place] = true
		}
	}
	for id := range p.places {
		if !homes[id] {
			n.ids = append(n.ids, id)
		}
	}
	sort.Slice(n.ids, func(i, j int) bool { return n.ids[i] < n.ids[j] })
	var b strings.Builder
	for _, id := range n.ids {
		n.starts = append(n.starts, b.Len())
		name := p.places[id].PlaceName
		b.WriteString(plain(name.EN) + "\n" + plain(name.ZH) + "\n")
	}
	n.text = b.String()
}

// plain is a text as it is compared: in small letters, on one line.
func plain(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
