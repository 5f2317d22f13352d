package guard

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Name says whether the name of a kind, a property or a field announces a person or a person's device, and which word
// does. Names are read as words: camelCase, snake_case, kebab-case and spaces part them.
func Name(name string) (word string, refused bool) {
	folded := norm.NFKC.String(name)
	for _, w := range chineseWords {
		if strings.Contains(folded, w) {
			return w, true
		}
	}
	words := " " + strings.Join(split(folded), " ") + " "
	for _, w := range englishWords {
		if strings.Contains(words, " "+w+" ") {
			return w, true
		}
	}
	return "", false
}

// englishWords are refused as whole words, alone or in a row. Words with a meaning in engineering are named only together
// with what makes them personal: a base plate, a pump's face, a mobile instrument and a sensor's identity are fine.
var englishWords = []string{
	"phone", "telephone", "cellphone", "msisdn", "mobile number", "mobile no", "phone number",
	"imsi", "imei", "iccid", "mac", "mac address", "bluetooth address", "advertising id", "idfa", "device fingerprint",
	"id card", "idcard", "id number", "identity number", "identity card", "citizen id", "national id", "passport",
	"passport number", "ssn", "social security", "hukou",
	"number plate", "licence plate", "license plate", "plate number", "plate no", "car plate", "vehicle plate", "plate id",
	"face", "faceid", "face id", "facial", "face print", "faceprint", "fingerprint", "iris", "gait", "voiceprint", "biometric", "biometrics",
	"resident", "residents", "resident name", "tenant", "tenants", "household", "households", "householder", "occupant", "occupants",
	"caller", "callers", "person", "persons", "person id", "person name", "people", "owner name", "contact", "contacts", "contact name",
	"first name", "last name", "surname", "full name", "family name", "given name", "birthday", "birth date", "date of birth",
	"gender", "ethnicity", "ethnic group", "nationality", "religion", "belief", "political status", "opinion", "protest", "petition", "petitioner",
	"email", "e mail", "wechat", "weixin", "weibo", "qq", "douyin", "openid", "social media", "social score", "credit score",
}

// chineseWords are refused wherever they stand, since Chinese has no spaces.
var chineseWords = []string{
	"身份证", "身份号码", "公民身份", "护照", "户口", "社保号",
	"手机", "电话号码", "联系电话", "联系方式", "联系人", "电话",
	"车牌", "号牌号码", "人脸", "面部", "指纹", "虹膜", "步态", "声纹",
	"姓名", "户主", "住户", "租户", "租客", "业主", "居民姓名", "居民身份", "来电人", "诉求人",
	"民族", "宗教", "信仰", "政治面貌", "性别", "出生日期", "生日",
	"微信", "微博", "抖音", "邮箱", "信用分", "信访", "上访",
	"MAC地址",
}

// split parts a name into lower-case words.
func split(name string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = nil
		}
	}
	rs := []rune(name)
	for i, r := range rs {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			flush()
			continue
		}
		if unicode.IsUpper(r) && i > 0 {
			lowerBefore := unicode.IsLower(rs[i-1])
			lowerAfter := i+1 < len(rs) && unicode.IsLower(rs[i+1])
			if lowerBefore || (lowerAfter && unicode.IsUpper(rs[i-1])) {
				flush()
			}
		}
		word = append(word, unicode.ToLower(r))
	}
	flush()
	return words
}
