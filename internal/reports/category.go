package reports

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/anlan-city/anlan/internal/city/guard"
	"github.com/anlan-city/anlan/internal/platform/page"
)

// Category is what a report can be about.
type Category struct {
	ID    string    `yaml:"id" json:"id"`
	About string    `yaml:"about" json:"about"` // always "place", but for what is not sorted yet
	Group string    `yaml:"group" json:"group,omitempty"`
	Title page.Text `yaml:"title" json:"title"`
	Hint  page.Text `yaml:"hint" json:"hint"`
	Form  *bool     `yaml:"form" json:"-"`
}

// The id of reports that carry a category of somebody else's, and what they are about.
const (
	Unsorted = "unsorted"

	aboutPlace   = "place"
	aboutUnknown = "unknown"
)

// groups is the order of the form.
var groups = []string{"utilities", "streets", "water", "buildings", "environment"}

//go:embed categories.yaml
var categoriesYAML []byte

type categories struct {
	all  []Category
	byID map[string]Category
}

// Shipped are the categories that ship with Anlan.
func Shipped() ([]Category, error) {
	c, err := loadCategories(categoriesYAML)
	return c.all, err
}

func loadCategories(text []byte) (categories, error) {
	c := categories{byID: map[string]Category{}}
	if err := yaml.UnmarshalWithOptions(text, &c.all, yaml.Strict()); err != nil {
		return c, fmt.Errorf("read categories: %w", err)
	}
	for _, one := range c.all {
		if err := CheckCategory(one); err != nil {
			return c, err
		}
		if _, twice := c.byID[one.ID]; twice {
			return c, fmt.Errorf("category %q stands twice", one.ID)
		}
		c.byID[one.ID] = one
	}
	if _, ok := c.byID[Unsorted]; !ok {
		return c, fmt.Errorf("there is no category %q", Unsorted)
	}
	return c, nil
}

// CheckCategory refuses a category that is not about a place: one that says so itself, or whose name speaks of a person,
// an opinion, a petition, a protest or the like. It is the gate for categories from packs too.
func CheckCategory(c Category) error {
	if c.ID == "" || c.Title.English == "" || c.Title.Chinese == "" {
		return fmt.Errorf("category %q needs an id and a title in both languages", c.ID)
	}
	if c.About != aboutPlace && !(c.About == aboutUnknown && c.ID == Unsorted) {
		return fmt.Errorf("category %q is about %q: reports are about places only (about: place)", c.ID, c.About)
	}
	if c.Form == nil && !slices.Contains(groups, c.Group) {
		return fmt.Errorf("category %q is in group %q, expected one of %s", c.ID, c.Group, strings.Join(groups, ", "))
	}
	for _, text := range []string{c.ID, c.Title.English, c.Title.Chinese} {
		if word, ok := aboutPeople(text); ok {
			return fmt.Errorf("category %q is not about a place: %q", c.ID, word)
		}
	}
	return nil
}

// aboutPeopleElsewhere is aboutPeople for a category of another system, which nothing here draws conclusions from: one
// that only names a channel ("Phone bank service") isn't about people.
func aboutPeopleElsewhere(name string) (word string, found bool) {
	if word, found = aboutPeople(name); found && slices.Contains(channels, word) {
		return "", false
	}
	return word, found
}

var channels = []string{"phone", "telephone", "email", "e mail", "contact", "contacts", "wechat", "weixin", "weibo", "电话", "手机", "微信", "微博", "邮箱"}

// aboutPeople returns the word by which a category's name speaks of people or of what they think. The register's guard
// knows the words for persons and their identifiers; here are those for what people say and do.
func aboutPeople(name string) (word string, found bool) {
	if word, found = guard.Name(name); found {
		return word, true
	}
	if m := opinions.FindString(strings.ToLower(name)); m != "" {
		return m, true
	}
	for _, w := range opinionsZh {
		if strings.Contains(name, w) {
			return w, true
		}
	}
	return "", false
}

var opinions = regexp.MustCompile(`\b(?:opinions?|petitions?|petitioners?|protests?|protesters?|demonstrations?|demonstrators?|rally|rallies|` +
	`(?:labou?r|general|hunger) strikes?|strikers?|assembly|assemblies|gatherings?|dissent|dissidents?|activists?|speech|slogans?|leaflets?|rumou?rs?|` +
	`the press|journalists?|reporters?|politics|political|religio(?:n|us)|sects?|ethnic(?:ity)?|beliefs?|ideolog(?:y|ical)|` +
	`suspicious (?:persons?|people|individuals?|behaviou?r)|loitering|vagrants?|homeless|beggars?|drunks?|neighbou?rs?|strangers?|foreigners?|migrants?|` +
	`complaints? (?:about|against) (?:an? |the )?(?:employee|officer|official|person)|missing persons?|domestic (?:dispute|violence)|mental health)\b`)

var opinionsZh = []string{
	"信访", "上访", "维权", "请愿", "抗议", "示威", "游行", "集会", "聚集", "罢工", "罢市", "静坐", "横幅", "标语", "传单",
	"舆情", "言论", "意见", "谣言", "记者", "媒体", "政治", "宗教", "信仰", "民族", "邪教", "思想",
	"可疑人员", "重点人员", "流动人口", "外来人员", "流浪", "乞讨", "醉酒", "邻居", "家庭纠纷", "精神障碍", "失踪人员", "人员投诉",
}
