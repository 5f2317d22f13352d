package pack

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/anlan-city/anlan/internal/city/guard"
)

// Personal says whether the name of an asset kind, an observed property or a category names an identifier of a person or
// of a person's device, and which word does: the first of the six guards of the design.
//
// It asks the register's guard, which reads a name as words, after undoing what would hide a word from it: full-width
// and invisible characters, digits and Chinese that touch a Latin word, plurals, and words written as one. What a pack can
// name beyond what a register can (probes that listen to telephones, cameras that read plates) is listed here.
func Personal(name string) (word string, refused bool) {
	words := wordsOf(name)
	for _, ws := range [][]string{words, singular(words)} {
		if w, bad := guard.Name(strings.Join(ws, " ")); bad {
			return w, true
		}
		line := " " + strings.Join(ws, " ") + " "
		for _, w := range packWords {
			if strings.Contains(line, " "+w+" ") {
				return w, true
			}
		}
	}
	for i := range words {
		rest := strings.Join(words[i:], "")
		for _, w := range compounds {
			if strings.HasPrefix(rest, w) {
				return w, true
			}
		}
	}
	joined := strings.Join(words, "")
	for _, w := range anywhere {
		if strings.Contains(joined, w) {
			return w, true
		}
	}
	return "", false
}

// packWords are refused as whole words in a row.
var packWords = []string{
	"wifi probe", "wi fi probe", "probe request", "wifi sniffer", "bluetooth sniffer", "imsi catcher", "cell tower dump",
	"sim card", "handset", "ssid", "bssid", "meid", "gaid", "android id", "device id", "user id", "subscriber", "ip address",
	"anpr", "alpr", "lpr", "plate recognition", "cell number", "mobile device", "mobileno", "tel", "tel no", "phoneno", "plateno",
	"retina", "palm print", "palmprint", "voice print", "dna", "passenger name", "driver name", "driving licence", "driver licence", "driver license",
	"identity document", "identity no", "id no", "visitor id", "pedestrian id", "social media account",
}

// compounds are refused where the name, its separators taken out, has them at the beginning of a word: "interface-id" and
// "time-interval" have "faceid" and "imei" in them, but not there.
var compounds = []string{
	"faceid", "facerec", "faceprint", "facecapture", "facematch", "imsi", "imei", "iccid", "msisdn", "idcard",
}

// anywhere are refused wherever they stand in the name, its separators taken out: none is part of a word of engineering.
// Latin ones are usual run-together spellings, and pinyin.
var anywhere = []string{
	"mobilenumber", "mobilephone", "phonenumber", "cellphone", "smartphone",
	"licenceplate", "licenseplate", "numberplate", "platenumber", "vehicleplate", "platerecognition",
	"identitycard", "identitynumber", "nationalid", "citizenid", "passportno", "socialsecurity",
	"macaddr", "wifiprobe", "wifimac", "bluetoothmac", "fingerprint", "biometric",
	"shenfenzheng", "shoujihao", "chepai", "renlian", "zhiwen",
	"身份证", "身份号", "证件号", "驾驶证", "驾照", "护照", "社保", "手机", "电话", "车牌", "号牌", "车辆牌照",
	"人脸", "人像", "面部", "刷脸", "指纹", "掌纹", "虹膜", "声纹", "步态", "生物特征",
	"物理地址", "设备识别码", "设备标识", "终端标识", "终端识别", "wifi探针", "无线探针", "蓝牙探针", "嗅探",
	"微信", "微博", "抖音", "邮箱", "姓名", "户主", "住户", "租户", "租客", "身份识别", "身份信息", "行人轨迹",
}

// wordsOf parts a name into lower-case words: at separators, at the hump of camelCase, and wherever letters, digits and
// Chinese meet.
func wordsOf(name string) []string {
	const (
		none = iota
		lower
		upper
		digit
		han
	)
	class := func(r rune) int {
		switch {
		case unicode.Is(unicode.Han, r):
			return han
		case unicode.IsDigit(r):
			return digit
		case unicode.IsUpper(r):
			return upper
		case unicode.IsLetter(r):
			return lower
		}
		return none
	}
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = nil
		}
	}
	rs := make([]rune, 0, len(name))
	for _, r := range norm.NFKC.String(name) {
		if !unicode.Is(unicode.Cf, r) { // zero-width characters would part a word unseen
			rs = append(rs, r)
		}
	}
	for i, r := range rs {
		c, before := class(r), none
		if i > 0 {
			before = class(rs[i-1])
		}
		acronymEnds := c == lower && before == upper && len(word) > 1 // MACAddress: the A belongs to what follows
		switch {
		case c == none:
			flush()
			continue
		case acronymEnds:
			last := word[len(word)-1]
			word = word[:len(word)-1]
			flush()
			word = append(word, last)
		case c != before && !(c == lower && before == upper):
			flush()
		}
		word = append(word, r)
	}
	flush()
	return words
}

func singular(words []string) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w
		if len(w) > 3 && strings.HasSuffix(w, "s") && !strings.HasSuffix(w, "ss") {
			out[i] = strings.TrimSuffix(w, "s")
		}
	}
	return out
}
