package page

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strings"

	"golang.org/x/text/language"
)

// The languages of every page.
const (
	English = "en"
	Chinese = "zh-CN"
)

// Languages lists them, in the order of the switch on the page.
var languages = []string{English, Chinese}

// Text is one text in both languages.
type Text struct {
	English string `json:"en" yaml:"en"`
	Chinese string `json:"zh-CN" yaml:"zh-CN"`
}

// In returns the text in the language, or in the other one when it is missing:
// a name in the wrong language is better than none.
func (t Text) In(lang string) string {
	if lang == Chinese && t.Chinese != "" || t.English == "" {
		return t.Chinese
	}
	return t.English
}

// Language returns the language that the request asks for: ?lang= first, then
// Accept-Language, then fallback.
func Language(r *http.Request, fallback string) string {
	if q := r.URL.Query().Get("lang"); slices.Contains(languages, q) {
		return q
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(wanted) == 0 {
		return fallback
	}
	for _, tag := range wanted {
		switch base, _ := tag.Base(); base.String() {
		case "zh":
			return Chinese
		case "en":
			return English
		}
	}
	return fallback
}

// catalog holds the texts of one room or of the layout: language → key → text.
type catalog map[string]map[string]string

// loadTexts reads en.json and zh-CN.json of fsys, each a flat object.
func loadTexts(fsys fs.FS) (catalog, error) {
	c := catalog{}
	for _, lang := range languages {
		data, err := fs.ReadFile(fsys, lang+".json")
		if err != nil {
			return nil, fmt.Errorf("read page texts: %w", err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(data, &texts); err != nil {
			return nil, fmt.Errorf("read page texts %s.json: %w", lang, err)
		}
		c[lang] = texts
	}
	return c, nil
}

// CheckTexts says what is wrong with the texts of fsys, given everything that
// uses them (templates and Go files): keys that only one language has, keys that
// nothing uses, keys that are used but not there. A literal that ends in a dot,
// such as "level.", stands for all keys that begin with it. For tests.
func CheckTexts(texts fs.FS, sources ...fs.FS) ([]string, error) {
	c, err := loadTexts(texts)
	if err != nil {
		return nil, err
	}
	var all strings.Builder
	for _, source := range sources {
		err := fs.WalkDir(source, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !(strings.HasSuffix(path, ".html") || strings.HasSuffix(path, ".go")) || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := fs.ReadFile(source, path)
			all.Write(data)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	var problems []string
	for _, lang := range languages {
		for key, text := range c[lang] {
			if text == "" {
				problems = append(problems, fmt.Sprintf("%s: %q is empty", lang, key))
			}
			for _, other := range languages {
				if _, ok := c[other][key]; !ok {
					problems = append(problems, fmt.Sprintf("%s has no %q, %s has", other, key, lang))
				}
			}
			if lang == English && !used(all.String(), key) {
				problems = append(problems, fmt.Sprintf("nothing uses %q", key))
			}
		}
	}
	for _, m := range templateCall.FindAllStringSubmatch(all.String(), -1) {
		if _, ok := c[English][m[1]]; !ok {
			problems = append(problems, fmt.Sprintf("%q is used but not in the texts", m[1]))
		}
	}
	sort.Strings(problems)
	return problems, nil
}

var templateCall = regexp.MustCompile(`[{( ]t "([^"]*[^".])"`)

func used(sources, key string) bool {
	if strings.Contains(sources, `"`+key+`"`) {
		return true
	}
	for i, r := range key {
		if r == '.' && strings.Contains(sources, `"`+key[:i+1]+`"`) {
			return true
		}
	}
	return false
}
