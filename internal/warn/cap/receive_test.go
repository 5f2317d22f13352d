package cap

import (
	"runtime"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// TestAssess holds what a careful receiver does with documents as they come: other encodings, prefixes, junk.
func TestAssess(t *testing.T) {
	whole, _ := Encode(sample())
	valid := string(whole)
	swap := func(old, new string) string {
		if !strings.Contains(valid, old) {
			t.Fatalf("the sample holds no %q", old)
		}
		return strings.Replace(valid, old, new, 1)
	}
	all := func(old, new string) string { return strings.ReplaceAll(valid, old, new) }
	in := func(name string, e interface{ String(string) (string, error) }) string {
		text, err := e.String(swap("UTF-8", name))
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	const polygon = "30,122 30,122.1 30.1,122.1 30,122"
	ring := func(s string) string { return all(polygon, s) }
	latin := strings.NewReplacer("老港区发生燃气泄漏", "Fuite à l'école", "一处燃气主管破裂。", "é", "燃气泄漏", "x", "市应急值班室", "y").Replace(valid)
	latin, _ = charmap.ISO8859_1.NewEncoder().String(strings.Replace(latin, "UTF-8", "iso-8859-1", 1))
	for name, c := range map[string]struct {
		doc  string
		want Verdict
	}{
		"as it is":                      {valid, Accept},
		"byte order mark":               {"\xef\xbb\xbf" + valid, Accept},
		"UTF-16, big end first":         {in("UTF-16", unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder()), Accept},
		"UTF-16, little":                {in("UTF-16", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder()), Accept},
		"UTF-16 without a mark":         {in("UTF-16", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewEncoder()), Accept},
		"GB18030":                       {in("GB18030", simplifiedchinese.GB18030.NewEncoder()), Accept},
		"GB2312":                        {in("gb2312", simplifiedchinese.GBK.NewEncoder()), Accept},
		"ISO-8859-1":                    {latin, Accept},
		"ASCII said, UTF-8":             {swap("UTF-8", "US-ASCII"), Reject},
		"UTF-8 said, GB18030":           {in("UTF-8", simplifiedchinese.GB18030.NewEncoder()), Reject},
		"no declaration":                {strings.TrimPrefix(valid, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), Accept},
		"space before it":               {" " + valid, Reject},
		"prefixed":                      {strings.NewReplacer("<?", "<?", "</", "</c:", "<", "<c:", `xmlns="`, `xmlns:c="`).Replace(valid), Accept},
		"another prefix inside":         {swap("<event>Gas leak</event>", `<q:event xmlns:q="`+Namespace12+`">Gas leak</q:event>`), Accept},
		"a prefix of nobody":            {swap("<event>Gas leak</event>", `<q:event>Gas leak</q:event>`), Reject},
		"a foreign element":             {swap("<event>", `<q:x xmlns:q="urn:q"/><event>`), Reject},
		"no namespace":                  {swap(` xmlns="`+Namespace12+`"`, ""), Reject},
		"namespace of CAP 1.3":          {all("cap:1.2", "cap:1.3"), Reject},
		"as CAP 1.1":                    {all("cap:1.2", "cap:1.1"), Accept},
		"as CAP 1.1, time with Z":       {strings.ReplaceAll(all("cap:1.2", "cap:1.1"), "+08:00", "Z"), Accept},
		"as CAP 1.1, no offset":         {strings.ReplaceAll(all("cap:1.2", "cap:1.1"), "+08:00", ""), Warn},
		"as CAP 1.0, no offset":         {strings.ReplaceAll(all(Namespace12, Namespace10), "+08:00", ""), Warn},
		"as CAP 1.1, fractions":         {strings.ReplaceAll(all("cap:1.2", "cap:1.1"), "+08:00", ".5+08:00"), Accept},
		"as CAP 1.1, comma":             {strings.ReplaceAll(all("cap:1.2", "cap:1.1"), "+08:00", ",5+08:00"), Reject},
		"as CAP 1.1, a date":            {strings.ReplaceAll(all("cap:1.2", "cap:1.1"), "T08:30:00+08:00", ""), Reject},
		"no offset":                     {all("+08:00", ""), Reject},
		"time with Z":                   {all("+08:00", "Z"), Reject},
		"UTC as CAP writes it":          {all("+08:00", "-00:00"), Accept},
		"UTC as others do":              {all("+08:00", "+00:00"), Accept},
		"comments, instructions":        {swap("<scope>", "<!-- x --><?y z?><scope>"), Accept},
		"DTD":                           {swap("<alert", "<!DOCTYPE alert><alert"), Reject},
		"junk after":                    {valid + "x", Reject},
		"two messages":                  {valid + strings.TrimPrefix(valid, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), Reject},
		"empty identifier":              {swap("urn:x:1", ""), Reject},
		"identifier with comma":         {swap("urn:x:1", "a,b"), Reject},
		"identifier with entity":        {swap("urn:x:1", "a&lt;b"), Reject},
		"identifier with blanks around": {swap("urn:x:1", " urn:x:1 "), Warn},
		"sender in a line of its own":   {swap("duty@city.example", "\n    duty@city.example\n"), Warn},
		"circle empty":                  {all("</polygon>", "</polygon><circle> </circle>"), Warn},
		"Update without":                {swap(">Alert<", ">Update<"), Reject},
		"Ack without":                   {swap(">Alert<", ">Ack<"), Reject},
		"Error without":                 {swap(">Alert<", ">Error<"), Reject},
		"Update, references empty":      {strings.Replace(swap(">Alert<", ">Update<"), "<info>", "<references> </references><info>", 1), Reject},
		"Update, references bad":        {strings.Replace(swap(">Alert<", ">Update<"), "<info>", "<references>urn:x:0</references><info>", 1), Reject},
		"Update with":                   {strings.Replace(swap(">Alert<", ">Update<"), "<info>", "<references>a,b,2026-11-23T00:00:00-00:00</references><info>", 1), Accept},
		"Restricted":                    {swap(">Public<", ">Restricted<"), Reject},
		"Restricted, empty":             {swap("<scope>Public</scope>", "<scope>Restricted</scope><restriction> </restriction>"), Reject},
		"Restricted, said":              {swap("<scope>Public</scope>", "<scope>Restricted</scope><restriction>x</restriction>"), Accept},
		"Private":                       {swap(">Public<", ">Private<"), Reject},
		"Private, said":                 {swap("<scope>Public</scope>", "<scope>Private</scope><addresses>a@b</addresses>"), Accept},
		"empty elements":                {swap("<scope>Public</scope>", "<scope>Public</scope><restriction/><addresses/><code/><note/><references/><incidents/>"), Accept},
		"Test":                          {swap(">Actual<", ">Test<"), Accept},
		"polygon of 3":                  {ring("30,122 30,122.1 30,122"), Reject},
		"polygon open":                  {ring("30,122 30,122.1 30.1,122.1 30.1,122"), Reject},
		"polygon flat":                  {ring("30,122 30,122.1 30,122.2 30,122"), Reject},
		"polygon crosses":               {ring("30,122 31,123 30,123 31,122 30,122"), Reject},
		"polygon, lon first":            {ring("122,30 122.1,30 122.1,30.1 122,30"), Reject},
		"polygon, lon 181":              {ring("30,181 30,181.1 30.1,181.1 30,181"), Reject},
		"polygon of words":              {ring("here there everywhere"), Reject},
		"polygon, NaN":                  {ring("NaN,122 30,122.1 30.1,122.1 NaN,122"), Reject},
		"polygon, semicolons":           {ring("30,122;30,122.1;30.1,122.1;30,122"), Reject},
		"polygon, three numbers":        {ring("30,122,0 30,122.1,0 30.1,122.1,0 30,122,0"), Reject},
		"polygon in lines":              {ring("\n30,122\n30,122.1\t30.1,122.1  30,122\n"), Accept},
		"polygon, U+00A0":               {ring("30,122\u00a030,122.1 30.1,122.1 30,122"), Reject},
		"circle, U+00A0":                {all("</polygon>", "</polygon><circle>30,122\u00a01</circle>"), Reject},
		"identifier with U+00A0":        {swap("urn:x:1", "\u00a0urn:x:1"), Reject},
		"polygon over the date line":    {ring("0,178 0,-178 1,-178 1,178 0,178"), Accept},
		"concave over the date line":    {ring("0,178 0,-178 1,179 2,-178 2,178 0,178"), Accept},
		"date line twice written":       {ring("0,178 0,180 0,-180 0,-178 2,-178 1,179 2,178 0,178"), Accept},
		"crosses over the date line":    {ring("0,178 2,-178 2,178 0,-178 0,178"), Reject},
		"the whole globe":               {ring("-90,-180 -90,180 90,180 90,-180 -90,-180"), Accept},
		"polygon empty":                 {ring(""), Warn},
		"circle":                        {all("</polygon>", "</polygon><circle>30,122 0</circle>"), Accept},
		"circle, no radius":             {all("</polygon>", "</polygon><circle>30,122</circle>"), Reject},
		"circle, minus":                 {all("</polygon>", "</polygon><circle>30,122 -1</circle>"), Reject},
		"circle off the globe":          {all("</polygon>", "</polygon><circle>130,122 1</circle>"), Reject},
		"expires before sent":           {all("12:30:00", "07:30:00"), Warn},
		"long ago":                      {all("2026-", "2001-"), Accept},
		"Cancel, no info":               {strings.Replace(valid[:strings.Index(valid, "<info>")]+"<references>a,b,2026-11-23T00:00:00-00:00</references></alert>", ">Alert<", ">Cancel<", 1), Accept},
	} {
		a := Assess([]byte(c.doc), Receiving)
		if a.Verdict != c.want {
			t.Errorf("%s: %s, want %s: %v", name, a.Verdict, c.want, a.Problems)
		}
	}
}

// TestEachProblemHasALine: what is missing is shown where it should stand.
func TestEachProblemHasALine(t *testing.T) {
	doc := "<?xml version='1.0'?>\n\n<alert xmlns='" + Namespace12 + "'>\n<identifier>x</identifier><sender>s</sender><sent>2026-11-23T08:30:00-00:00</sent><status>Exercise</status>\n" +
		"<msgType>Update</msgType><scope>Private</scope>\n<info><category>Met</category><event>x</event><urgency>Past</urgency><severity>Minor</severity><certainty>Observed</certainty>\n<area><areaDesc>x</areaDesc></area></info></alert>"
	lines := map[string]int{}
	for _, p := range Assess([]byte(doc), Receiving).Problems {
		lines[p.Path] = p.Line
	}
	for path, want := range map[string]int{"alert/note": 3, "alert/references": 3, "alert/addresses": 3, "alert/info[1]/expires": 6, "alert/info[1]/area[1]": 7} {
		if lines[path] != want {
			t.Errorf("%s: line %d, want %d", path, lines[path], want)
		}
	}
	for _, doc := range []string{"", "x", "<?xml version='1.0' encoding='EBCDIC'?><alert/>", strings.Repeat(" ", MaxBytes+1)} {
		if p := Assess([]byte(doc), Receiving).Problems; len(p) != 1 || p[0].Line == 0 {
			t.Errorf("%.20q: %v", doc, p)
		}
	}
}

// TestHostileMemory: reading costs no more than a small multiple of the bound, whatever comes.
func TestHostileMemory(t *testing.T) {
	const most = 256 << 20
	head := `<alert xmlns="` + Namespace12 + `">`
	for name, doc := range map[string]string{
		"elements":   head + strings.Repeat("<a/>", MaxBytes/4-100) + "</alert>",
		"attributes": head + "<a " + strings.Repeat(`a="" `, MaxBytes/5-100) + "/></alert>",
		"text":       head + "<note>" + strings.Repeat("x", MaxBytes-200) + "</note></alert>",
		"references": head + "<note>" + strings.Repeat("&#x41;", MaxBytes/6-100) + "</note></alert>",
		"polygon":    head + "<polygon>" + strings.Repeat("1,1 ", MaxBytes/4-100) + "</polygon></alert>",
		"comments":   head + strings.Repeat("<!---->", MaxBytes/7-100) + "</alert>",
		"feed":       `<feed xmlns="` + nsAtom + `">` + strings.Repeat("<entry/>", MaxFeedElements-10) + "</feed>",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		a := Assess([]byte(doc), Receiving)
		Verify([]byte(doc), nil)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > most {
			t.Errorf("%s: %d MB allocated, at most %d", name, got>>20, most>>20)
		}
		if a.Verdict != Reject {
			t.Errorf("%s: %s", name, a.Verdict)
		}
	}
}
