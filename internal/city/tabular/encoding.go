package tabular

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
)

// fewCharacters is below how many characters beyond ASCII a text that reads as UTF-8 and as GB 18030 counts as undecided.
// About one Chinese character in seven has bytes in GB 18030 that are also a letter of Greek, Cyrillic or accented Latin in
// UTF-8, so ten in a row are 1 in 10^8.
const fewCharacters = 10

// Decode turns a file's bytes into UTF-8 text.
//
// A declared encoding is taken at its word and checked. Without one, bytes that are not UTF-8 are refused with the
// request to declare the encoding; they are not taken for GB 18030, since they may be anything. A text that is valid in
// both, which only short ones are, is refused too: "一" in GB 18030 has the bytes of "һ" in UTF-8.
func Decode(file []byte, declared string) ([]byte, *Problem) {
	if bytes.HasPrefix(file, []byte("\xFE\xFF")) || bytes.HasPrefix(file, []byte("\xFF\xFE")) {
		return nil, &Problem{Message: "the file is UTF-16: save it as UTF-8 or GB 18030"}
	}
	text, marked := bytes.CutPrefix(file, []byte("\xEF\xBB\xBF"))
	switch strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(declared)) {
	case "utf8":
		return text, notUTF8(text, "the file is not UTF-8, as was declared")
	case "gb18030", "gbk", "gb2312": // the older two are parts of the first
		if marked {
			return nil, &Problem{Message: "the file was declared as gb18030 but begins with the mark of UTF-8"}
		}
		return fromGB18030(file)
	case "":
	default:
		return nil, &Problem{Message: fmt.Sprintf("unknown encoding %q, expected utf-8 or gb18030", declared)}
	}
	if p := notUTF8(text, "the file is not UTF-8: declare its encoding (--encoding gb18030 for files from Chinese Excel)"); p != nil {
		return nil, p
	}
	if !marked && undecided(text) {
		return nil, &Problem{Message: "the file reads as UTF-8 and as GB 18030: declare which it is (--encoding utf-8 or gb18030)"}
	}
	return text, nil
}

func notUTF8(text []byte, message string) *Problem {
	if utf8.Valid(text) {
		return nil
	}
	at := 0
	for at < len(text) {
		r, n := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	line, col := newCursor(text).to(at)
	return &Problem{Line: line, Column: col, Message: message}
}

func fromGB18030(file []byte) ([]byte, *Problem) {
	text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(file)
	if err != nil {
		return nil, &Problem{Message: "the file is not GB 18030, as was declared: " + err.Error()}
	}
	// The decoder puts U+FFFD where bytes mean nothing; one that stood in the file already is no better.
	if at := bytes.IndexRune(text, utf8.RuneError); at >= 0 {
		line, col := newCursor(text).to(at)
		return nil, &Problem{Line: line, Column: col, Message: "the file is not GB 18030, as was declared"}
	}
	return text, nil
}

func undecided(text []byte) bool {
	foreign := 0
	for at := 0; at < len(text); {
		if text[at] < utf8.RuneSelf {
			at++
			continue
		}
		_, n := utf8.DecodeRune(text[at:])
		if foreign++; foreign >= fewCharacters {
			return false
		}
		at += n
	}
	if foreign == 0 {
		return false
	}
	_, p := fromGB18030(text)
	return p == nil
}
