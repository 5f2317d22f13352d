package public

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/anlan-city/anlan/internal/platform/page"
	"github.com/anlan-city/anlan/internal/platform/web"
	"github.com/anlan-city/anlan/internal/warn/area"
	"github.com/anlan-city/anlan/internal/warn/cap"
)

// Bounds of a search. The words are in no log and no store.
const (
	maxWords = 80 // characters
	maxFound = 10
	searches = 4 // at a time; they are the only public pages that are made for one reader
)

// Spot is a place that people know by its name.
type Spot struct {
	Name     page.Text
	Lon, Lat float64
}

// Gazetteer tells where places and districts lie; the register fulfils it. It is safe for concurrent use.
type Gazetteer interface {
	// Places finds places of the public's by words in their names, at most limit of them, from memory. Homes are never among
	// them.
	Places(words string, limit int) []Spot
	// At lists the areas at a point, the innermost first; none outside the city.
	At(lon, lat float64) []int64
	// Outlines are the outer rings of the districts and towns as longitude, latitude.
	Outlines(ctx context.Context) (map[int64][][][2]float64, error)
}

// search is what was looked for and found.
type search struct {
	Words   string
	Short   bool // too short to look for, or too long
	Outside bool // a point that lies in no district
	More    bool // there are more matches than are told
	Found   []found
}

// found is a match, with the warnings that hold there.
type found struct {
	Name page.Text
	In   page.Text // the district or town around it
	Held []held
}

type held struct {
	card
	Partly bool // it holds in a part of the area
}

// searchPage answers "is it my street, until when".
func (s *Service) searchPage(w http.ResponseWriter, r *http.Request) {
	p, err := s.present(r.Context())
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	select {
	case s.searching <- struct{}{}:
		defer func() { <-s.searching }()
	case <-r.Context().Done():
		return
	}
	to := s.pages.Reader(r)
	found := s.search(p, legible(r.URL.Query().Get("where")), to.Lang)
	here := &url.URL{Path: "/warnings", RawQuery: url.Values{"where": {found.Words}}.Encode()}
	body, err := s.listBody(context.WithoutCancel(r.Context()), p, 0, to, found, here)
	if err != nil {
		web.WriteError(w, r, err)
		return
	}
	page.Headers(w.Header(), to.Lang)
	w.Header().Set("Cache-Control", "no-store") // it holds what a resident typed
	if _, err := w.Write(body); err != nil {
		return // the reader has left; what they looked for is not told to the log either
	}
}

// legible is what a reader typed without what can't be seen: the page repeats it, and a mark that turns the direction of writing would
// turn what stands beside it.
func legible(words string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !unicode.IsSpace(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(words, "")))
}

// search looks the words up in the register.
func (s *Service) search(p *picture, words, lang string) *search {
	out := &search{Words: words}
	if n := utf8.RuneCountInString(words); n > maxWords || n < 2 && !strings.ContainsFunc(words, func(r rune) bool { return r >= 0x2E80 }) {
		out.Short = true
		if n > maxWords {
			out.Words = string([]rune(words)[:maxWords])
		}
		return out
	}
	low := folded(words)
	if low == "" {
		out.Short = true
		return out
	}
	if at, ok := position(norm.NFKC.String(words)); ok {
		f := s.at(p, Spot{Name: page.Text{English: words, Chinese: words}, Lon: at.Lon, Lat: at.Lat})
		out.Outside = f.In == page.Text{} && s.gazetteer != nil
		if !out.Outside || len(f.Held) > 0 {
			out.Found = []found{f}
		}
		return out
	}
	var areas []area.Area
	for _, a := range p.areas {
		if a.Code == low || strings.Contains(folded(a.Name.English), low) || strings.Contains(folded(a.Name.Chinese), low) {
			areas = append(areas, a)
		}
	}
	exact := func(a area.Area) bool {
		return folded(a.Name.English) == low || folded(a.Name.Chinese) == low || a.Code == low
	}
	slices.SortStableFunc(areas, func(a, b area.Area) int {
		switch {
		case exact(a) == exact(b):
			return 0
		case exact(a):
			return -1
		}
		return 1
	})
	for _, a := range areas {
		f := found{Name: a.Name}
		if up, ok := p.area(a.Parent); ok {
			f.In = up.Name
		}
		for _, w := range p.shown {
			if whole, partly := w.holdsIn(a.ID, p.parents); whole || partly {
				f.Held = append(f.Held, held{s.card(w, p.at), !whole && w.relay == nil}) // how much of an area others mean is theirs to say
			}
		}
		out.Found = append(out.Found, f)
	}
	if s.gazetteer != nil && len(out.Found) <= maxFound {
		room := maxFound + 1 - len(out.Found)
		spots := s.gazetteer.Places(low, room)
		if len(spots) == 0 && low != words { // the register may write it as the reader does
			spots = s.gazetteer.Places(words, room)
		}
		for _, spot := range spots {
			out.Found = append(out.Found, s.at(p, spot))
		}
	}
	if len(out.Found) > maxFound {
		out.Found, out.More = out.Found[:maxFound], true
	}
	return out
}

// simplified turns the traditional characters that names of places are full of into those that the register writes. A table of all of
// them would be no better: which word is meant is not guessed.
var simplified = strings.NewReplacer("東", "东", "門", "门", "碼", "码", "頭", "头", "鎮", "镇", "區", "区", "縣", "县", "鄉", "乡", "橋", "桥", "廣", "广", "場", "场",
	"園", "园", "學", "学", "醫", "医", "華", "华", "龍", "龙", "灣", "湾", "島", "岛", "興", "兴", "關", "关", "樓", "楼", "鐵", "铁", "車", "车", "機", "机", "濱", "滨",
	"陽", "阳", "馬", "马", "鳳", "凤", "寧", "宁", "漢", "汉", "豐", "丰", "萬", "万", "衛", "卫", "雲", "云", "長", "长", "莊", "庄", "鐘", "钟", "澤", "泽",
	"廟", "庙", "塢", "坞", "壩", "坝", "閘", "闸", "渾", "浑", "濟", "济", "湧", "涌", "涇", "泾", "瀾", "澜", "嶺", "岭", "崗", "岗", "嶼", "屿", "溝", "沟", "蘇", "苏",
	"吳", "吴", "陳", "陈", "張", "张", "趙", "赵", "劉", "刘", "黃", "黄", "羅", "罗", "錢", "钱", "紅", "红", "綠", "绿", "藍", "蓝", "銀", "银", "舊", "旧", "倉", "仓",
	"庫", "库", "廠", "厂", "電", "电", "業", "业", "際", "际", "會", "会", "體", "体", "館", "馆", "圖", "图", "書", "书", "銷", "销", "賓", "宾", "飯", "饭", "運", "运",
	"達", "达", "遠", "远", "順", "顺", "慶", "庆", "義", "义", "禮", "礼", "聖", "圣", "貝", "贝", "魚", "鱼", "鳥", "鸟", "鷹", "鹰", "鶴", "鹤", "雞", "鸡", "豬", "猪",
	"衝", "冲", "開", "开", "發", "发", "實", "实", "驗", "验", "國", "国", "愛", "爱", "節", "节", "歷", "历", "環", "环", "線", "线")

// folded is a name as it is compared: in small letters, half-width, with simplified characters, and without a blank at a Chinese one.
func folded(text string) string {
	runes := []rune(simplified.Replace(strings.ToLower(norm.NFKC.String(text))))
	out := runes[:0]
	for i, r := range runes {
		if unicode.IsSpace(r) {
			next := i+1 < len(runes) && !unicode.IsSpace(runes[i+1])
			if !next || len(out) == 0 || unicode.Is(unicode.Han, out[len(out)-1]) || unicode.Is(unicode.Han, runes[i+1]) {
				continue
			}
			r = ' '
		}
		out = append(out, r)
	}
	return string(out)
}

// at says what holds at a point.
func (s *Service) at(p *picture, spot Spot) found {
	f := found{Name: spot.Name}
	var around []int64
	if s.gazetteer != nil {
		around = s.gazetteer.At(spot.Lon, spot.Lat)
	}
	for _, id := range around {
		if a, ok := p.area(id); ok {
			f.In = a.Name
			break
		}
	}
	for _, w := range p.shown {
		if w.holdsAt(cap.Point{Lat: spot.Lat, Lon: spot.Lon}, around) {
			f.Held = append(f.Held, held{card: s.card(w, p.at)})
		}
	}
	return f
}

// holdsAt says whether the warning holds at a point, which lies in the areas given. Either answer of the register's areas and
// of the published outlines counts, since the outlines are simplified.
func (w *Warning) holdsAt(at cap.Point, around []int64) bool {
	for _, a := range w.Areas {
		if a.ID != 0 && slices.Contains(around, a.ID) || slices.ContainsFunc(a.Rings, func(r cap.Ring) bool { return inside(r, at) }) {
			return true
		}
	}
	return false
}

// inside says whether the point lies within the ring, by the parity of its crossings.
func inside(r cap.Ring, at cap.Point) (in bool) {
	for i := 1; i < len(r); i++ {
		a, b := r[i-1], r[i]
		if (a.Lat > at.Lat) != (b.Lat > at.Lat) && at.Lon < a.Lon+(at.Lat-a.Lat)/(b.Lat-a.Lat)*(b.Lon-a.Lon) {
			in = !in
		}
	}
	return in
}

var twoNumbers = regexp.MustCompile(`^([-+]?\d{1,3}(?:\.\d{1,12})?)\s*°?\s*[,，;\s]\s*([-+]?\d{1,3}(?:\.\d{1,12})?)°?$`)

// position reads "31.2,121.5": latitude first, as maps and phones write it; the other way round where only that can be.
func position(text string) (cap.Point, bool) {
	m := twoNumbers.FindStringSubmatch(text)
	if m == nil {
		return cap.Point{}, false
	}
	lat, err1 := strconv.ParseFloat(m[1], 64)
	lon, err2 := strconv.ParseFloat(m[2], 64)
	if math.Abs(lat) > 90 {
		lat, lon = lon, lat
	}
	return cap.Point{Lat: lat, Lon: lon}, err1 == nil && err2 == nil && math.Abs(lat) <= 90 && math.Abs(lon) <= 180
}
