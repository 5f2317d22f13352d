// Package drill runs emergency plans over a past: recorded readings, or ones that were made up and say so, pass through the
// detectors of packs on a virtual clock, and what these claim is told to the rooms of cases and plans as the live rooms would
// tell it. What people do between (open, acknowledge, raise, finish, end) is for whoever drives the drill.
//
// Promises: the detectors are those that run live, in the order of event time; timers fire at their moment of the virtual clock;
// the newest reading of each datastream is what the rooms read as proof. The same past and the same deeds give the same end.
//
// It must not send anything, nor make a decision that is a person's.
package drill
