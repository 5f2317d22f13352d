package respond

import "github.com/anlan-city/anlan/internal/respond/lifecycle"

// AnswerView is what somebody answered in a move's form, in the words of the form: it can be read when the move is long over.
type AnswerView struct {
	Title lifecycle.Text `json:"title"`
	Kind  string         `json:"kind" doc:"as of the form's field"`
	Value any            `json:"value" doc:"of a choice and an organisation its title, {en, zh-CN}"`
}

// answersOf puts a title to each answer of a move that has one, in the order of its form. The values are masked already.
func answersOf(k *lifecycle.Kind, move string, fields map[string]any, names func(kind string, id int64) *lifecycle.Text) (out []AnswerView) {
	m := k.Move(move)
	if m == nil {
		return nil
	}
	for _, r := range m.Requires {
		value, given := fields[r.Field]
		if r.Field == "" || !given {
			continue
		}
		switch r.Kind {
		case "choice":
			for _, o := range r.Options {
				if o.ID == value {
					value = o.Title
					break
				}
			}
		case "organisation":
			if id, ok := value.(float64); ok {
				value = names("organisation", int64(id))
			}
		case "organisations":
			list, _ := value.([]any)
			titles := []*lifecycle.Text{}
			for _, x := range list {
				if id, ok := x.(float64); ok {
					titles = append(titles, names("organisation", int64(id)))
				}
			}
			value = titles
		}
		out = append(out, AnswerView{Title: r.Title, Kind: r.Kind, Value: value})
	}
	return out
}
