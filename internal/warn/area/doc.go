// Package area says where a warning holds: areas of the register, rings that an officer draws and bands around assets become
// places with outlines, names and the areas that they touch, frozen when a warning is proposed; and what lies inside them, things
// and residents.
//
// # Promise
//
// A place keeps of every area of the register whether it touches it, and which of them it asks: the smallest that hold together what
// it holds, whose officers it takes. What lies in another place of the same warning is dropped. Outlines are valid CAP polygons.
// Of homes the building is told, never the flat; of few residents no number.
//
// # Must not
//
// It stores nothing, and decides nothing about who may warn where: that is the warning's to ask.
package area
