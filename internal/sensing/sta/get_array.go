package sta

import (
	"slices"

	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// arrays answers with a page of Observations as data arrays: one for each datastream, in the order in which they come up.
// But for the id, the components are those of CreateObservations.
func (g *get) arrays(p *plan, e *encoder, page *readingsPage) error {
	components := p.components()
	byStream := map[int64][]int{}
	var order []int64
	for i := range page.stored {
		d := page.stored[i].Datastream
		if byStream[d] == nil {
			order = append(order, d)
		}
		byStream[d] = append(byStream[d], i)
	}
	return g.sendList(page.count, page.next, len(order), func(dst []byte, i int) ([]byte, error) {
		d := order[i]
		dst = appendPath(append(dst, `{"Datastream@iot.navigationLink":"`...), e.root, setDatastreams, d)
		dst = append(dst, `","components":[`...)
		for j, c := range components {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendText(dst, c)
		}
		dst = appendInt(append(dst, `],"dataArray@iot.count":`...), int64(len(byStream[d])))
		dst = append(dst, `,"dataArray":[`...)
		for j, at := range byStream[d] {
			if j > 0 {
				dst = append(dst, ',')
			}
			s := &page.stored[at]
			dst = append(dst, '[')
			for n, c := range components {
				if n > 0 {
					dst = append(dst, ',')
				}
				switch c {
				case "id":
					dst = appendInt(dst, s.ID)
				case "FeatureOfInterest/id":
					f, err := g.featureOf(s)
					if err != nil {
						return dst, err
					}
					if f == 0 {
						dst = append(dst, "null"...)
					} else {
						dst = appendInt(dst, f)
					}
				default:
					dst = appendReadingField(dst, c, s, false)
				}
			}
			dst = append(dst, ']')
		}
		return append(dst, "]}"...), nil
	})
}

// components are the columns of a data array.
func (p *plan) components() []string {
	var out []string
	if p.id {
		out = append(out, "id")
	}
	for _, f := range p.fields {
		out = append(out, f.name)
	}
	chosen := len(p.query.Select) > 0
	if chosen && slices.ContainsFunc(p.links, func(n *odata.Navigation) bool { return n.Name == "FeatureOfInterest" }) {
		out = append(out, "FeatureOfInterest/id")
	}
	return out
}
