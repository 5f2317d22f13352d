// Package sim is a simulated harbour city with ground truth, for the demo, for load and for drills.
//
// Build makes the whole city of Langang (澜港市) from one seed: coast, river, districts, towns, grid cells, streets, a few
// thousand buildings, a gas network, a water network, drainage and its pump stations, power feeders and lifts, river, rain and
// weather stations, about 1,000 assets with 4,300 datastreams, organisations and duties. The city is invented. Its coordinates lie in the open East China Sea, its places
// and companies do not exist, and there are no people in it: of these it has made-up totals of towns alone. Schools, hospitals, care
// homes and stations came last and shift nothing else (amenities.go).
//
// A Scenario lays scripted incidents over the city from a start instant, and knows the truth about them: when each began,
// whom it touches, when it would become harmful. Score compares alerts with that truth. There are two: a day with a gas leak, a
// burst main and a flood wave (incident.go), and a six-hour storm for four agencies (storm.go).
//
// What it promises:
//
//   - Pure and repeatable. The same seed gives the same bytes. Every entity draws from a generator of its own, seeded by
//     its name, so that adding one thing does not shift the others. (Floating-point arithmetic may be fused on some
//     processors; outputs are rounded, which hides this nearly always, but only one architecture is promised.)
//   - Random access in time. A value is a function of seed, datastream, instant and incidents, so a run may begin at any instant
//     without a warm-up and jump as far as it likes. What a storm's water does is added up once, when it is planted.
//   - Physics that adds up. In both networks inflow equals demand, leakage and storage change; see networks.go.
//   - No clock of its own and no input or output except what Export writes and what a Sink takes.
//
// What it must not do: know the other rooms. It speaks in external ids; app hands its readings and reports to them.
//
// A World is immutable after Build and safe for concurrent use; so is a Scenario, whose only mutable state is the set of
// repairs.
package sim
