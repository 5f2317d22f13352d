package odata

// Bounds on what is parsed. What exceeds them is an *Error.
const (
	MaxText   = 8 << 10  // bytes of one decoded option, but for $skiptoken
	MaxToken  = 48 << 10 // bytes of $skiptoken, which holds what a list is ordered by
	MaxDepth  = 64       // height of an expression's tree, and nesting of its parentheses
	MaxExpand = 5        // nesting of $expand
	MaxSets   = 3        // paths through sets in one condition: each multiplies the work by the size of its set
)

// Expr is a node of an expression: *Literal, *Path, *Unary, *Binary, *Logic, *In, *InArray, *Call or *Lambda, and nothing
// else.
// String writes it so that it reads back as the same tree.
type Expr interface {
	Pos() int   // byte offset in the decoded text of the option
	Type() Type // what is known of its value
	String() string
	expr()
}

// Literal is a constant. A geometry has been parsed.
type Literal struct {
	At    int
	Value Value
}

// Path leads to a property, or to a part of it: Datastream/Thing/properties/height.
type Path struct {
	At   int
	Var  string        // the lambda variable that it starts from; "" for the entity that is filtered
	From *EntityType   // type of the entity that it starts from
	Navs []*Navigation // the way to the entity
	Prop *Property     // nil only in Lambda.Over
	Sub  []Key         // the way into a JSON value
}

// Key is a step into a JSON value: a member's name, or where Name is "", an index into an array.
type Key struct {
	Name  string
	Index int
}

// Unary is not x or -x.
type Unary struct {
	At int
	Op Op // OpNot, OpNeg
	X  Expr
}

// Binary compares (OpEq to OpLe) or calculates (OpAdd to OpMod).
type Binary struct {
	At   int
	Op   Op
	L, R Expr
}

// Logic joins two or more truth values by OpAnd or OpOr. No term is a Logic of the same operator.
type Logic struct {
	At    int
	Op    Op
	Terms []Expr
}

// In is x in (1, 2, 3). The list has at least one element.
type In struct {
	At   int
	X    Expr
	List []*Literal
}

// InArray is x in properties/list: does an array that only the row holds have an element that equals x?
type InArray struct {
	At    int
	X     Expr
	Array *Path
}

// Call calls a function. contains(a, b) has been turned into substringof(b, a).
type Call struct {
	At   int
	Func Func
	Args []Expr
}

// Lambda is path/any(x: body) or path/all(x: body).
type Lambda struct {
	At   int
	All  bool
	Over *Path  // ends in a to-many navigation; Prop is nil
	Var  string // "" for any() without a body
	Body Expr   // nil for any(): is there an element?
}

// Op is an operator.
type Op uint8

// The operators.
const (
	OpEq Op = iota
	OpNe
	OpGt
	OpGe
	OpLt
	OpLe
	OpAdd
	OpSub
	OpMul
	OpDiv
	OpMod
	OpAnd
	OpOr
	OpIn
	OpNot
	OpNeg
)

func (o Op) String() string {
	return [...]string{"eq", "ne", "gt", "ge", "lt", "le", "add", "sub", "mul", "div", "mod", "and", "or", "in", "not", "-"}[o]
}

// Compares tells whether the operator compares two values: eq ne gt ge lt le.
func (o Op) Compares() bool { return o <= OpLe }

// Many tells whether the path leads through a set, so that it has any number of values.
func (p *Path) Many() bool {
	for _, n := range p.Navs {
		if n.Many {
			return true
		}
	}
	return false
}

// Entity is the type of the entity at which the path arrives, the one that has the property.
func (p *Path) Entity() *EntityType {
	if len(p.Navs) == 0 {
		return p.From
	}
	return p.Navs[len(p.Navs)-1].Target
}

func (e *Literal) Pos() int { return e.At }
func (e *Path) Pos() int    { return e.At }
func (e *Unary) Pos() int   { return e.At }
func (e *Binary) Pos() int  { return e.At }
func (e *Logic) Pos() int   { return e.At }
func (e *In) Pos() int      { return e.At }
func (e *InArray) Pos() int { return e.At }
func (e *Call) Pos() int    { return e.At }
func (e *Lambda) Pos() int  { return e.At }

func (*Literal) expr() {}
func (*Path) expr()    {}
func (*Unary) expr()   {}
func (*Binary) expr()  {}
func (*Logic) expr()   {}
func (*In) expr()      {}
func (*InArray) expr() {}
func (*Call) expr()    {}
func (*Lambda) expr()  {}
