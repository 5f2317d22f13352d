package guard

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What must go. The part in brackets is what must not be readable afterwards.
func TestMaskTakesOut(t *testing.T) {
	for _, text := range []string{
		"我叫什么不重要，身份证[11010519491231002X]，请处理",
		"id [110105 19491231 002x] end",
		"老身份证[110105491231002]",
		"请拨打[13812345678]联系我", "手机[138-1234-5678]", "[138 1234 5678]", "电话：[+86 138 1234 5678]", "[008613812345678]",
		"手机号[１３８１２３４５６７８]", "[一三八一二三四五六七八]", "[幺三八幺二三四五六七八]", "[1 3 8 1 2 3 4 5 6 7 8]", "[1-3-8-1-2-3-4-5-6-7-8]",
		"固话[021-58881234]", "[(021)58881234]", "[0571 8888 1234]转分机", "[010-12345678-801]", "拨[58881234]", "我的座机[5888123]", "热线[400-820-1234]",
		"call me at [(617) 555-0123] please", "[617-555-0123]", "[617.555.0123]", "[+44 20 7946 0958]", "[+1 (415) 555-0132]", "phone [555-0123]",
		"write to [jane.doe+x@mail.example.org].", "[jane＠example.com]", "[jane (at) example.com]",
		"车牌[京A·12345]挡住消防通道", "[沪AD12345]", "[粤B 1A2B3]", "[苏E8K0T2]停在人行道", "[粤Z1234港]", "车牌号：[A12345]",
		"white van, license plate [1ABC 234], leaking", "number plate [AB12 CDE]", "Reg no. [KA01AB1234]", "plate is [7XYZ123]",
		"微信号[wx_abc-12345]", "加我微信：[zhangsan88]", "QQ：[12345678]", "WeChat: [abc_12345]", "vx [hello2026]",
		"银行卡[6222 0212 3456 7890 123]", "card [4111-1111-1111-1111]",
		"passport no. [E12345678]", "护照号[EA1234567]", "MAC [00:1A:2b:3C:4d:5E]", "case [101001240735] was closed",
		"[13812345678]和[13987654321]都可以", "[110105194912310021]13812345678",
		"[1101011990-03074258]", "[110101 1990-03-07 4258]", "[11-01-01-1990-03-07-425-8]", "[1101-0119-9003-0742-58]", "[110101199003-07425-x]",
		"[13812345678].[13987654321]",
		"张三 [13812345678] [110101199003074258] [京A12345]",
		"call [13812345678] now", "[＋86-138-1234-5678]", "id [990101199003071234]", "[990101 1990 0307 123X]", "[021-62345678]",
		"[+44 7700 900 123]", "[6222020200112233445]", "[粤B12345] parked", "[a.b@example.org]",
	} {
		plain := strings.NewReplacer("[", "", "]", "").Replace(text)
		got := Mask(plain)
		for rest := text; ; {
			_, after, ok := strings.Cut(rest, "[")
			if !ok {
				break
			}
			secret, tail, _ := strings.Cut(after, "]")
			if strings.Contains(got, secret) {
				t.Errorf("%q shows %q: %q", plain, secret, got)
			}
			rest = tail
		}
		if !strings.Contains(got, masked) || !Reveals(plain) {
			t.Errorf("%q → %q", plain, got)
		}
		before, _, _ := strings.Cut(text, "[")
		if !strings.HasPrefix(got, before) {
			t.Errorf("%q lost what stands before: %q", plain, got)
		}
	}
}

// What must stay readable, or the crew can't find the place.
func TestMaskLeaves(t *testing.T) {
	for _, text := range []string{
		"", "路灯不亮", "The street light is out",
		"145-151 Ipswich St Boston MA 02215", "4833 Washington St", "1200-1250 Main Street", "ZIP 02215-1234",
		"人民路138号12幢1234室", "中山北路1388弄25支弄", "3号楼2单元1201", "G60沪昆高速K123+450", "S20外环K12+300处",
		"2026-11-23 08:30", "2026年11月23日8时30分", "20261123", "202611230830", "20261123083015", "23/11/2026", "2026.11.23",
		"from 08:30 to 17:45", "since 1998", "1949-2026",
		"DN300 管径 300 mm，压力 0.4 MPa", "水位 12.345 m", "42.3594, -71.0587", "113.13812345, 30.12345678", "甲烷 1250 ppm",
		"打了12345热线", "已拨打119、120和110", "call 311 or 911", "95598也没人接",
		"GAS-00417", "MH-20394", "P-101", "灯杆编号 004512", "pole 123456", "井盖编号 JG-2024-0312",
		"3,500 litres in 24 hours", "100 000 m3", "1.5-2.5 m deep", "10, 20, 30 metres",
		"新建小区", "京东仓库门口", "川流不息", "宁静路", "沪A大厦楼下", "plate is loose", "the plate of the manhole", "base plate cracked", "registration office",
		"一号楼二单元三零一室", "三四楼之间漏水", "wechat group", "微信群里说过", "phone box broken", "tel line down", "电话线垂落",
		"main DN300, valve V-12, 3 %LEL", "2026-11-23 06:43, P-2026-0001", "人民路138号1234室",
		"pole 123456 on 2026-11-23 at 08:30", "100000 m3 on 2026-11-23", "http://example.org/a/b", "at 5 o'clock", "***",
	} {
		if got := Mask(text); got != text {
			t.Errorf("%q → %q", text, got)
		}
	}
}

// TestMaskProperties: masking again changes nothing, no long run of digits is left but a date, and what has no digits and
// no address is never touched.
func TestMaskProperties(t *testing.T) {
	parts := []string{"13812345678", "路", "a@b.co", "京A12345", " ", "-", "0571", "8888", "12", "20261123", "X", "１２３", "一三八", ".", "微信", "plate", "+86", "\xff", "号", "：", "*"}
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(parts), rapid.String()), 0, 12).Draw(t, "parts"), "")
		once := Mask(s)
		if twice := Mask(once); twice != once {
			t.Fatalf("%q → %q → %q", s, once, twice)
		}
		for _, run := range digitRun.FindAllStringIndex(Fold(once), -1) {
			if !isNumber(Fold(once), run) {
				t.Fatalf("%q still shows %q", once, Fold(once)[run[0]:run[1]])
			}
		}
	})
}

var digitRun = hiddens[len(hiddens)-1].pattern

func FuzzMask(f *testing.F) {
	f.Add("车牌京A·12345，手机１３８１２３４５６７８ a@b.co")
	f.Fuzz(func(t *testing.T, s string) {
		if once := Mask(s); Mask(once) != once {
			t.Errorf("%q is masked twice", s)
		}
	})
}

func BenchmarkMask(b *testing.B) {
	for b.Loop() {
		Mask("Street Light Outages (Street Lights), pole 123456 near 145-151 Ipswich St")
	}
}
