// Package ucum reads units of measure and converts between them.
//
// A unit is an expression of the Unified Code for Units of Measure, version 2.2 (https://ucum.org), in its case-sensitive
// form: "m3/h", "ug/m3", "kPa", "Cel", "mm[Hg]", "10*6/L", "mg{N}/L". Spellings that this field writes instead ("°C", "µg/m³",
// "m^3/h", "kWh", "NTU", "%LEL", "dBm", "ppm") are understood too; alias.go lists them and says why each means what it means.
//
// Promises: the result depends on nothing but its arguments; what can't be read is an *Error with the place and, where one
// is near, a suggestion; factors are kept as exact fractions, so a conversion rounds once (15 mg/L are 0.015 g/L, not
// 0.015000000000000001) and there and back gives the same number to within one part in 10^13.
//
// Where it is stricter than the code: an annotation counts. To UCUM "%{LEL}" is "%" and "mg{N}/L" is "mg/L", but 5 % of
// methane are 100 % of its lower explosive limit, and nitrate as N is not nitrate. Units whose annotations differ are of
// the same dimension and are not converted. For the same reason turbidity in [NTU] and in [FNU] are not converted into each
// other nor into plain numbers. Of the code's atoms those of pharmacy, typesetting and old trades are left out. UCUM is
// copyright of the Regenstrief Institute, Inc. (https://ucum.org/license).
//
// It must not know what is measured: which unit an observed property has is the pack's to say.
package ucum
