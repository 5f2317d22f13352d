package city

import (
	"math"
	"strconv"
)

// leastGround is the ground in square metres that an area must have for a total of its residents to be kept: no town is as small as
// a block of houses.
const leastGround = 100_000

// Residents is how many people live in an area; ok is false where no number is known. It answers from memory.
func (s *Service) Residents(area int64) (r Residents, ok bool) {
	r, ok = s.picture.Load().residents[area]
	return r, ok
}

// residentsOf is what a record of an area says of its residents; nil for nothing.
func residentsOf(l *list, r *record) *Residents {
	n, err := strconv.Atoi(l.get(r, "residents"))
	if err != nil {
		return nil
	}
	year, _ := strconv.Atoi(l.get(r, "residents_year")) // checked when it came in
	return &Residents{Total: n, Year: year, Source: l.get(r, "residents_source")}
}

// numberOrNil is what a column of a number that may be absent takes.
func numberOrNil(text string) *int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// residents holds that a number of people has a year and a source. Who clears the number clears these.
func (c *checker) residents(d *draft) {
	n, year, source := c.list.index("residents"), c.list.index("residents_year"), c.list.index("residents_source")
	if d.refused[n] || d.refused[year] || d.refused[source] {
		return
	}
	if d.values[n] == "" {
		for _, i := range []int{year, source} {
			if d.given[i] && d.values[i] != "" {
				c.problem(d, c.list.fields[i].name, "there is no number of residents that this could be about")
			}
			d.values[i] = ""
		}
		return
	}
	switch y, _ := strconv.Atoi(d.values[year]); {
	case y == 0:
		c.problem(d, "residents_year", "a number of residents needs the year that it is of")
	case y > c.now.Year():
		c.problem(d, "residents_year", "%d lies in the future", y)
	}
	if d.values[source] == "" {
		c.problem(d, "residents_source", "a number of residents needs its source, such as a census or a yearbook")
	}
}

// counted refuses numbers of people below the level of towns: a total must not tell of a block or a house.
func (c *checker) counted(a *atlas, merged map[string]*record, changed map[string]*draft) {
	for key, r := range merged {
		if c.list.get(r, "residents") == "" {
			continue
		}
		n := a.byKey[key]
		why, d := "", changed[key]
		switch town := n.parent.town(); {
		case n.level == GridLevel:
			why = "a grid cell"
		case town != nil:
			why = "part of the town " + strconv.Quote(town.key)
			if d == nil {
				d = changed[town.key]
			}
		case ground(n) < leastGround:
			why = "smaller than a town"
		}
		if why == "" {
			continue
		}
		for up := n.parent; d == nil && up != nil; up = up.parent {
			d = changed[up.key]
		}
		if d != nil { // else it was so before this import
			c.problem(d, "residents", "%q is %s: numbers of residents are kept for towns and what holds them, never for less", key, why)
		}
	}
}

// town is the area itself or the nearest around it that is a town; nil for none.
func (n *node) town() *node {
	for ; n != nil; n = n.parent {
		if n.level == TownLevel {
			return n
		}
	}
	return nil
}

// ground is about how large an area is, in square metres.
func ground(n *node) float64 {
	return n.shape.Area() * metresPerDegree * metresPerDegree * math.Cos((n.min[1]+n.max[1])/2*math.Pi/180)
}
