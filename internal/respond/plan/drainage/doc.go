// Package drainage advises a response on the pumps and gates of one drainage basin: it reads a pack's basins.yaml, takes what the
// instruments say now, has the small basin model of methods/basin look ahead, and puts the settings of the next half hour with what
// they are expected to bring beside doing nothing before the people of the response.
//
// It promises to say nothing where it does not know: a storage or an outer level without a fresh reading gives no advice, and none
// is given that the model does not find better than the stations' own switches. What it takes for granted (rain as it falls
// now, for two hours) stands in the advice.
//
// It must not set, send or order anything.
package drainage
