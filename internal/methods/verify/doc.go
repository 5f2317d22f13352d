// Package verify holds alarms against what really happened. It is pure: no input or output, no clock. It owns the counting
// of hits, misses and false alarms for the whole house: replay, backtest, the demo's score card and the live figures call it.
//
//	Table          the two-by-two table and its scores: POD, FAR, CSI, POFD, bias, HK
//	Match          which alert belongs to which event
//	Probabilities  Brier score, skill and reliability of forecasts that come with a probability
//	Load           what one operating position has to bear, after ISA-18.2 and EEMUA 191
//	Live           the figures of a running city, from outcomes that people have verified
//
// The scores are those of WMO-No. 1132 (Forecast Verification for the African Severe Weather Forecasting Demonstration
// Projects, 2014), the Glossary of Meteorology of the American Meteorological Society, and Wilks, Statistical Methods in the
// Atmospheric Sciences, ch. 8. FAR is the false alarm *ratio* F/(H+F), the share of the alarms that were false; POFD is the
// false alarm *rate* F/(F+Z), the share of the quiet times with an alarm. They are often mixed up, so each stands beside its
// formula.
//
// All times are microseconds since 1970 UTC, all spans microseconds.
package verify
