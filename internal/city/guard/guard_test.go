package guard

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Guard 3 of the design. The numbers are made up; the identity numbers belong to a county that does not exist.
func TestValueRefuses(t *testing.T) {
	for text, want := range map[string]Kind{
		identity("990101", "19900307", "123"):                           IdentityNumber,
		"owner " + identity("990101", "20010228", "004"):                IdentityNumber,
		"990101 19900307 " + identity("990101", "19900307", "123")[14:]: IdentityNumber,
		"证件" + identity("990101", "19900307", "123") + "号":              IdentityNumber,
		hyphened(identity("990101", "19900307", "123"), 10):             IdentityNumber,
		hyphened(identity("990101", "19900307", "123"), 6, 10, 12, 14):  IdentityNumber,
		hyphened(identity("990101", "19900307", "123"), 4, 8, 12, 16):   IdentityNumber,
		hyphened(identity("990101", "19900307", "123"), 17):             IdentityNumber,
		"1101011990-03074258":   IdentityNumber,
		"13812345678":           PhoneNumber,
		"138-1234-5678":         PhoneNumber,
		"138 1234 5678":         PhoneNumber,
		"王13912345678":          PhoneNumber,
		"tel13912345678":        PhoneNumber,
		"Tel. 19912345678":      PhoneNumber,
		"GAS-13812345678":       PhoneNumber,
		"１３８１２３４５６７８":           PhoneNumber,
		"+86 138 1234 5678":     PhoneNumber,
		"+8613812345678":        PhoneNumber,
		"008613812345678":       PhoneNumber,
		"+44 7700 900123":       PhoneNumber,
		"+1 (415) 555-0132":     PhoneNumber,
		"+377 93 15 20 00":      PhoneNumber,
		"京A·12345":              NumberPlate,
		"京A12345":               NumberPlate,
		"粤B 1A2B3":              NumberPlate,
		"沪AD12345":              NumberPlate, // new energy, small
		"沪A12345D":              NumberPlate, // new energy, large
		"粤Z1234港":               NumberPlate,
		"车牌苏E·8K0T2":            NumberPlate,
		"a4:5e:60:c2:00:1f":     MACAddress,
		"A4-5E-60-C2-00-1F":     MACAddress,
		"a45e.60c2.001f":        MACAddress,
		"00:11:22:33:44:55":     MACAddress,
		"460001234567890":       IMSI,
		"imsi: 460110123456789": IMSI,
		"356938035643809":       IMEI, // the example of 3GPP's check-digit note
		"35-693803-564380-9":    IMEI,
	} {
		got, ok := Value(text)
		if !ok || got.Kind != want {
			t.Errorf("Value(%q) = %v %v, want %s", text, got, ok, want)
		}
	}
}

func TestValueLetsCodesThrough(t *testing.T) {
	for _, text := range []string{
		"", "P-101", "GAS13812345678", "METEC_13812345678", "13812345678A",
		"110101001001001",    // grid cell in Beijing; reads as an old identity number of 1 October 1900
		"460105001002003",    // grid cell in Haikou; begins like an IMSI's country
		"460202001002003",    // grid cell in Sanya
		"350102001001005",    // grid cell in Fujian; begins like an IMEI
		"1101010010010010",   // component code, 16 digits
		"110101001001",       // area code of the statistics office
		"990101199013071234", // 18 digits, no such month
		"99010119900307123" + wrongCheck(identity("990101", "19900307", "123")),
		hyphened("99010119900307123"+wrongCheck(identity("990101", "19900307", "123")), 10),
		"990101-1990-1307-1234", // no such month
		"2026-11-23 2026-11-24 10-12",
		"113.13812345678", // a longitude
		"13812345678.25",  // a meter's count
		"12345678901", "10012345678", "1381234567", "138123456789",
		"+0.5", "+12345", "+20.12345678", "2026-11-23T06:43:36Z", "2026-11-23 06:43:36+08:00",
		"1763880216000", "1763880216000000",
		"00:11:22:33:44:55:66:77", // EUI-64 of a LoRaWAN instrument
		"01-02-03-04-05-06",       // levels of a code
		"12:30:45", "10.20.30.40",
		"新ABCDEF", "京A座12345", "川A", "云南B1", "DN300", "AB12 CDE",
		"人民路138号1234室", "4460001234567890",
		"356938035643808", // wrong check digit
	} {
		if got, ok := Value(text); ok {
			t.Errorf("Value(%q) cries %s", text, got.Kind)
		}
	}
}

func TestValueSaysWhere(t *testing.T) {
	got, ok := Value("阀门井 联系13812345678")
	if !ok || got.Offset != 6 {
		t.Errorf("got %+v %v, want offset 6", got, ok)
	}
}

func TestEveryIdentityNumberIsSeen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.IntRange(110000, 829999).Draw(t, "region")
		year := rapid.IntRange(1900, 2026).Draw(t, "year")
		day := rapid.IntRange(1, 28).Draw(t, "day")
		month := rapid.IntRange(1, 12).Draw(t, "month")
		seq := rapid.IntRange(0, 999).Draw(t, "seq")
		id := identity(fmt.Sprint(region), fmt.Sprintf("%04d%02d%02d", year, month, day), fmt.Sprintf("%03d", seq))
		if _, ok := Value("no. " + id); !ok {
			t.Fatalf("%s not seen", id)
		}
	})
}

// The rule's price, measured: of random codes of 15 and 18 digits few may be refused.
func TestFalseRefusalsAreRare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for digits, most := range map[int]float64{12: 0, 13: 0, 14: 0, 15: 0.01, 16: 0, 18: 0.001, 20: 0} {
		refused, n := 0, 20000
		for range n {
			code := make([]byte, digits)
			for i := range code {
				code[i] = byte('0' + r.IntN(10))
			}
			if _, ok := Value(string(code)); ok {
				refused++
			}
		}
		if share := float64(refused) / float64(n); share > most {
			t.Errorf("%d digits: %.4f of random codes refused, at most %.4f", digits, share, most)
		}
	}
}

// Guard 1 of the design, as far as names go.
func TestName(t *testing.T) {
	for _, name := range []string{
		"phone", "owner_phone", "ownerPhone", "OwnerPhone", "contact-name", "idCard", "id_card_no", "IDCard", "residentName", "MACAddress",
		"mac", "IMEI", "licensePlate", "number_plate", "plateNo", "face_id", "faceId", "dateOfBirth", "household", "tenant_count",
		"手机号", "联系电话", "身份证号", "车牌号码", "户主", "人脸特征", "微信号", "MAC地址", "民族",
	} {
		if _, refused := Name(name); !refused {
			t.Errorf("Name(%q) passes", name)
		}
	}
	for _, name := range []string{
		"diameter_mm", "material", "base_plate", "plateThickness", "surface", "interface", "mobile", "identity", "machine", "macro", "owner",
		"operator", "installed", "premises", "population", "phonetic", "headphones", "facet", "管径", "材质", "压力等级", "居民用气", "名称", "地址",
		"kitchen-alarm", "gas/methane", "lift", "contactor", "equator",
	} {
		if word, refused := Name(name); refused {
			t.Errorf("Name(%q) is refused for %q", name, word)
		}
	}
}

func FuzzValue(f *testing.F) {
	f.Add("京A·12345 +86 138 1234 5678")
	f.Add("35-693803-564380-9")
	f.Fuzz(func(t *testing.T, s string) {
		Value(s)
		Name(s)
	})
}

func BenchmarkValue(b *testing.B) {
	for _, s := range []string{"MAIN-00017", "中山路阀门井 12 号", "a long name of an asset with one number 1234567890 in it"} {
		b.Run(s, func(b *testing.B) {
			for b.Loop() {
				Value(s)
			}
		})
	}
}

func identity(region, born, seq string) string {
	s := region + born + seq
	sum := 0
	for i, w := range identityWeights {
		sum += w * int(s[i]-'0')
	}
	return s + string(checkCharacters[sum%11])
}

// hyphened puts a hyphen before each of the places.
func hyphened(s string, places ...int) string {
	for i := len(places) - 1; i >= 0; i-- {
		s = s[:places[i]] + "-" + s[places[i]:]
	}
	return s
}

func wrongCheck(id string) string {
	if id[17] == '1' {
		return "2"
	}
	return "1"
}
