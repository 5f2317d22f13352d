// Package basin is a small model of one drainage basin, and advice from it: which pumps and gates to run over the next
// hours. It is pure: no input or output, no clock, no randomness; the same question gives the same answer, number for number.
//
//	Basin     catchments, storages, pump stations and gates: what an engineer can check against a map and a list of pumps
//	State     the water and the settings at one moment
//	Weather   rain and outer level over time, as they are or as they are forecast
//	Run       moves the water through a span under given settings, and meters it
//	Advise    looks over the coming hours for settings that flood least (receding horizon)
//	Policy    who decides: Nobody, Nothing running, EqualFilling, Advised; Play lets one decide against a plant and its weather
//
// How to use it:
//
//	if err := b.Check(); err != nil { … }                    // names the part and field that is wrong
//	s := b.Dry()                                             // or fill in what is measured: State.SetStage, Available, Units, Openings
//	a, err := b.Advise(s, forecast, basin.Options{})         // a.Blocks: settings block by block; a.Expected against a.Nobody, a.Equal
//	s, meter := b.Run(s, a.Blocks[0].Settings, weather, from, to, step)
//	…                                                        // measure again and ask again; give the last advice in Options.Last
//
// The formulas:
//
//	runoff          inflow C i A of the rational method (Kuichling 1889; Chow, Maidment, Mays, "Applied Hydrology", 1988, §15.1), through
//	                a linear reservoir Q = S/K (ibid. §8.5), solved exactly for rain that is constant within a step
//	K               the lag, 0.6 of the time of concentration (NRCS, National Engineering Handbook, part 630, ch. 15, 2010)
//	storage         a curve of stage and volume, straight between its points and beyond the last (level pool, ibid. §8.2)
//	weir            Q = 2/3 Cd b sqrt(2g) h^1.5 (Poleni), drowned: times (1 - (h2/h1)^1.5)^0.385 (Villemonte 1947)
//	opening         Q = Cd b a sqrt(2g Δh), Δh from the middle of the opening or from the water behind it, whichever is higher;
//	                a gate gives the lesser of both (as EPA SWMM, Reference Manual vol. II, EPA/600/R-17/111, 2017, on regulators)
//	pump            its capacity, whatever the head; energy ρ g V H / η, H the difference of levels and the losses
//
// Water is kept in multiples of 2^-20 m³ (a cubic centimetre), whose sums are exact in a float64 below 2^33 m³: what came in
// less what went out less what is stored is 0, not nearly 0.
//
// What is minimised, in this order: the flood volume (for each storage the most water that ever stood above its danger
// stage; in whole m³), the peak stage (the highest share of the room from the usual to the danger stage that any storage
// reaches, in hundredths, from one quarter on), the time that flood stands (m³ hours), and the cost: energy in kWh, and each start of a unit as
// so many kWh more. Water above the usual stage at the end of the horizon is charged as if each station had to lift it, so that
// nothing is cheap because it is left for later. Storages may be emptied before the rain down to their least stage. The
// search is coordinate descent over the schedules from several beginnings, longer and shorter stretches at a time, within a
// budget counted in simulated blocks. It finds no proven optimum; it is never worse, in its own model, than Nobody.
//
// Limits, so that nobody trusts it for more:
//
//   - Level pools: no wave, no slope of the water, no backwater in pipes; a long canal has to be cut into reaches.
//   - What floods stays above its storage and comes back to it; it does not run down the street into another.
//   - The runoff coefficient is one number: no soaking of dry ground, no sewer that is full, no snow.
//   - A pump gives its capacity at any head and trips only at the least stage; a gate moves at once, in a few settings.
//   - Within a step the links act one after the other, and each sees what the one before it has left.
//   - The advice takes the forecast at its word. What it does when that is wrong is measured, not promised: bench/basin.
//   - It advises. A person decides, and the stations' own switches stay in force where Auto is advised.
package basin
