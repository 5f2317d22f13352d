package odata

import "net/url"

// Query is the parsed query options of one set or entity, at the top or inside $expand.
type Query struct {
	Filter       Expr        // nil: all
	Select       []*Selected // nil: everything
	Expand       []*Expand
	OrderBy      []Order
	Top, Skip    *int64     // nil: not given
	Count        *bool      // nil: not given
	ResultFormat string     // "dataArray"; "" when not given. Only at the top.
	SkipToken    string     // opaque; "" when not given. Only at the top.
	Extra        url.Values // options whose names don't begin with "$", for extensions. Only at the top.
}

// SelfLink is the name that $select knows an entity's own link by, in Selected.Prop. It is no property of any type.
const SelfLink = "@iot.selfLink"

// Selected is one item of $select: a property, a part of one, a navigation (its link) or the entity's own link.
type Selected struct {
	At   int
	Prop *Property
	Sub  []Key
	Nav  *Navigation
}

// Expand is one item of $expand. On a to-one navigation only Query.Select and Query.Expand mean something.
type Expand struct {
	At    int
	Nav   *Navigation
	Query *Query // never nil
}

// Order is one item of $orderby.
type Order struct {
	Expr Expr
	Desc bool
}
