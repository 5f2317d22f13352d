// Package odata reads the URLs of the OGC SensorThings API 1.1 (OGC 18-088, a subset of OData 4.0) into typed trees and
// evaluates expressions in memory.
//
//	ParsePath   what follows "/v1.1"           -> *Resource
//	ParseQuery  what follows "?"               -> *Query: $filter, $select, $expand, $orderby, $top, $skip, $count, ...
//	ParseFilter one expression                 -> Expr, a tree whose paths are resolved against the Model
//	Compile     an expression, once            -> *Program, evaluated against any Entity
//	Conjuncts, Touches, Reduce, BoundsOf       what a store needs to split an expression between SQL and an iterator
//
// It is pure: no SQL, no HTTP, no clock (now() is a parameter) and no package state. A tree is immutable once parsed and
// may be shared; so may a Program. Whatever the text, parsing ends in a tree or in one *Error: text, depth and nesting are
// bounded (MaxText, MaxDepth, MaxExpand).
//
// # Precedence
//
// From tightest: grouping; not and unary minus; mul div mod; add sub; gt ge lt le; eq ne; in; and; or. Operators of one
// level are taken from the left. One departure: before a value that is not known to be a truth value, not reaches over the
// comparison that follows (not result eq 3 is not (result eq 3)). By the letter it would be (not result) eq 3, an error.
//
// # Truth
//
// Logic has three values, as in OData. A filter keeps an entity when its value is true; null is not.
//
//	and, or, not     null is "unknown": false and null = false, true or null = true, not null = null
//	eq ne gt ge ..   null when a side is null, unless null itself is asked for: resultTime eq null, resultTime ne null.
//	                 False (ne: true) when the two can't be compared
//	in               true when the left side eq one of the list, or one element of the array that a path names; null when
//	                 the left side is null or the path names no array
//	functions, add.. null when an argument is null or of the wrong kind
//
// A missing property, a missing key of a JSON value and a property of a missing entity are null.
//
// # Comparing
//
// Types are checked while parsing, where they are known. result, the JSON properties and their parts are known only when a
// row is seen; two values that can't be compared are then unequal, and neither is the greater.
//
//	number, number      as 64-bit floats
//	number, text        as numbers when the text is one, else they can't be compared (id eq '1'); not where a number meets a
//	                    text of result or of a JSON value: properties/n gt 3 does not hold for {"n":"5"}
//	number, 'text'      as texts where a constant text meets result or a JSON value: result gt '3' holds for 4 and not for 10,
//	                    as the OGC's suite demands
//	truth value, text   equal where only the row knows the types of both and the text is the value's: {"a":true,"b":"true"}
//	text, text          by bytes of UTF-8
//	time, text          as times when the text is one
//	time, date          the date counts as its first instant, UTC, wherever a time is asked for
//	true, false         false is less than true
//	JSON, JSON          equal when their compact texts are
//
// # Time
//
// A time is an instant or an interval [start, end]; an instant is the interval with start = end. With a = [s1, e1] and
// b = [s2, e2], after the rules that FROST, the reference server, applies:
//
//	a lt b, before(a, b)   e1 <= s2 and s1 < s2       a gt b, after(a, b)   s1 >= e2 and s1 > s2
//	a le b                 s1 <= s2 and e1 <= e2      a ge b                s1 >= s2 and e1 >= e2
//	a eq b                 s1 = s2 and e1 = e2        a ne b                not a eq b
//	meets(a, b)            s1 = e2 or e1 = s2         during(a, b)          s2 <= s1 and s1 < e2 and e1 <= e2
//	starts(a, b)           s1 = s2                    finishes(a, b)        e1 = e2
//	overlaps(a, b)         s1 < e2 and s2 < e1, or s1 = s2
//
// So a le b is not "a lt b or a eq b". Functions that read a field (year, hour, date, ...) take the start. All is UTC:
// totaloffsetminutes is 0. time add duration moves both ends; time sub time is the duration between the starts.
//
// # Paths through sets
//
// A path may lead through a to-many navigation without any(): Datastreams/Observations/result gt 3. The smallest truth
// value around it (the comparison, the in, or the function that gives true or false) holds when it holds for at least one
// element, for each such path on its own. One exception: "path eq null" also holds when there is no element at all.
//
// # Space
//
// Geometry is planar, on longitude and latitude: geo.distance and geo.length answer in degrees, as PostGIS does for
// geometry. geo.length of anything but lines is 0. A Feature counts as its geometry, a FeatureCollection as the collection
// of them; a "crs" member is not looked at.
package odata
