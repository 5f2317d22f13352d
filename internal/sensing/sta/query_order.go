package sta

import (
	"fmt"
	"strings"

	"github.com/anlan-city/anlan/internal/sensing/odata"
)

// sorts is the SQL of an order's terms; nil where SQL can't do one of them. An order by id alone is an empty list.
func (k *kind) sorts(o ordering) []string {
	out := make([]string, 0, len(o.by))
	for _, by := range o.by {
		p, ok := by.Expr.(*odata.Path)
		if !ok || !plain(p) {
			return nil
		}
		sql := k.sortBy(p, "t", 0)
		if sql == "" {
			return nil
		}
		out = append(out, sql)
	}
	return out
}

// sortBy is the property that a path of to-one navigations leads to, as SQL; "" where SQL doesn't order it as odata does.
func (k *kind) sortBy(p *odata.Path, alias string, depth int) string {
	if depth == len(p.Navs) {
		c := k.column(p.Prop.Name)
		if p.Prop.Name == "id" {
			return alias + ".id"
		}
		if c == nil || c.form != formText && c.form != formTime {
			return ""
		}
		return alias + "." + c.name
	}
	l := k.link(p.Navs[depth].Name)
	if l == nil || l.own == "" { // what may be missing has no place in an order of SQL
		return ""
	}
	next := fmt.Sprintf("s%d", depth)
	to := kindOf(l.target)
	inner := to.sortBy(p, next, depth+1)
	if inner == "" {
		return ""
	}
	return "(select " + inner + " from " + to.table + " " + next + " where " + next + ".id = " + l.oneOf(alias) + ")"
}

// orderSQL is the list of an order by clause.
func (w *rowWalk) orderSQL() string {
	var b strings.Builder
	for i, s := range w.sorts {
		b.WriteString(s)
		if w.order.by[i].Desc {
			b.WriteString(" desc nulls last, ")
		} else {
			b.WriteString(" asc nulls first, ")
		}
	}
	if w.order.idDesc {
		return b.String() + "t.id desc nulls last"
	}
	return b.String() + "t.id asc nulls first"
}

// behind is the condition that a row comes after a place.
func (w *rowWalk) behind(st *stmt, at *keyset) (string, bool) {
	compare := map[bool]string{false: " > ", true: " < "}
	sql := "t.id" + compare[w.order.idDesc] + st.arg(at.id)
	for i := len(w.sorts) - 1; i >= 0; i-- {
		var bound string
		switch t, v := w.order.by[i].Expr.Type(), at.values[i]; {
		case t == odata.TypeText && v.Kind() == odata.KindText:
			bound = st.arg(v.Text())
		case t == odata.TypeInstant && v.Kind() == odata.KindTime:
			start, _, _ := v.Span()
			bound = st.arg(start)
		case t == odata.TypeID:
			n, ok := whole(v)
			if !ok {
				return "", false
			}
			bound = st.arg(n)
		default:
			return "", false
		}
		s := w.sorts[i]
		sql = "(" + s + compare[w.order.by[i].Desc] + bound + " or (" + s + " = " + bound + " and " + sql + "))"
	}
	return sql, true
}

// valueOf is a value that SQL ordered by.
func (w *rowWalk) valueOf(i int, v any) odata.Value {
	switch v := v.(type) {
	case string:
		return odata.Text(v)
	case []byte:
		return odata.Text(string(v))
	case int64:
		if p, ok := w.order.by[i].Expr.(*odata.Path); ok && p.Prop.Name == "id" {
			return odata.ID(v)
		}
		return odata.Instant(v)
	}
	return odata.Null()
}
