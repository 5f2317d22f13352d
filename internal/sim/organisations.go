package sim

import "fmt"

// Organisations that the rest refers to by id.
const (
	orgCity       = "org-city"
	orgEmergency  = "org-emergency"
	orgHousing    = "org-housing"
	orgWaterWorks = "org-water-bureau"
	orgWeather    = "org-weather"
	orgGas        = "org-gas"
	orgWater      = "org-water"
	orgDrainage   = "org-drainage"
	orgPort       = "org-port"
	orgMarket     = "org-market"
	orgTraffic    = "org-traffic-police"
	orgPower      = "org-power"
	orgProperty   = "org-property"
)

func orgDistrict(d int) string          { return fmt.Sprintf("org-district-%d", d+1) }
func orgDistrictEmergency(d int) string { return fmt.Sprintf("org-district-%d-emergency", d+1) }
func orgTown(t int) string              { return fmt.Sprintf("org-town-%02d", t+1) }

func (b *builder) buildOrganisations() {
	add := func(id, kind, parent, en, zh string) {
		b.Organisations = append(b.Organisations, Organisation{id, kind, parent, Name{en, zh}})
	}
	add(orgCity, "government", "", "Langang Municipal Government", "澜港市人民政府")
	add(orgEmergency, "bureau", orgCity, "Langang Emergency Management Bureau", "澜港市应急管理局")
	add(orgHousing, "bureau", orgCity, "Langang Housing and Urban-Rural Development Bureau", "澜港市住房和城乡建设管理局")
	add(orgWaterWorks, "bureau", orgCity, "Langang Water Affairs Bureau", "澜港市水务局")
	add(orgWeather, "bureau", orgCity, "Langang Meteorological Bureau", "澜港市气象局")
	add(orgGas, "utility", "", "Langang Gas Company", "澜港燃气有限公司")
	add(orgWater, "utility", "", "Langang Water Supply Company", "澜港供水有限公司")
	add(orgDrainage, "utility", "", "Langang Drainage Company", "澜港排水有限公司")
	add(orgPort, "enterprise", "", "Langang Port Group", "澜港港务集团有限公司")
	add(orgMarket, "bureau", orgCity, "Langang Market Supervision Bureau", "澜港市市场监督管理局")
	add(orgTraffic, "traffic-police", orgCity, "Langang Traffic Police", "澜港市公安局交通警察支队")
	add(orgPower, "power-company", "", "Langang Power Supply Company", "澜港供电公司")
	add(orgProperty, "enterprise", "", "Langang Property Services Company", "澜港物业服务有限公司")
	add("org-transport", "transport-bureau", orgCity, "Langang Transport Bureau", "澜港市交通运输局")
	add("org-fire", "fire-brigade", orgCity, "Langang Fire and Rescue Brigade", "澜港市消防救援支队")
	add("org-education", "education-bureau", orgCity, "Langang Education Bureau", "澜港市教育局")
	add("org-health", "health-bureau", orgCity, "Langang Health Commission", "澜港市卫生健康委员会")
	add("org-ecology", "ecology-bureau", orgCity, "Langang Ecology and Environment Bureau", "澜港市生态环境局")
	add("org-sanitation", "sanitation-bureau", orgCity, "Langang Greenery and City Appearance Bureau", "澜港市绿化和市容管理局")
	add("org-industry", "industry-bureau", orgCity, "Langang Economy and Information Technology Commission", "澜港市经济和信息化委员会")
	for d, n := range districts {
		add(orgDistrict(d), "government", orgCity, n.En+" Government", n.Zh+"人民政府")
		add(orgDistrictEmergency(d), "bureau", orgDistrict(d), n.En+" Emergency Management Bureau", n.Zh+"应急管理局")
	}
	for t, town := range towns {
		zh := town.name.Zh + "办事处"
		if stem(town.name).Zh+"镇" == town.name.Zh {
			zh = town.name.Zh + "人民政府"
		}
		add(orgTown(t), "town-office", orgDistrict(town.district), town.name.En+" Office", zh)
	}
}

// buildDuties links every area and asset to who answers for it, and leaves out three links that a check has to find: the
// leadership of a town, the territory of a grid cell, the enterprise of a gas regulator.
func (b *builder) buildDuties() {
	r := generator(b.Seed, "missing duties")
	noLeader, noTerritory, noEnterprise := r.IntN(len(towns)), r.IntN(len(b.land.cells)), 0
	var regulators []int
	for k, a := range b.Assets {
		if a.Kind == "gas/regulator" {
			regulators = append(regulators, k)
		}
	}
	noEnterprise = regulators[r.IntN(len(regulators))]
	add := func(missing bool, d Duty) {
		if missing {
			b.MissingDuties = append(b.MissingDuties, d)
			return
		}
		b.Duties = append(b.Duties, d)
	}
	for d := range districts {
		add(false, Duty{Organisation: orgDistrict(d), Kind: "leadership", Area: districtID(d)})
		add(false, Duty{Organisation: orgDistrict(d), Kind: "territory", Area: districtID(d)})
		add(false, Duty{Organisation: orgDistrictEmergency(d), Kind: "regulator", Area: districtID(d)})
	}
	for t := range towns {
		add(t == noLeader, Duty{Organisation: orgTown(t), Kind: "leadership", Area: townID(t)})
		add(false, Duty{Organisation: orgTown(t), Kind: "territory", Area: townID(t)})
	}
	for k, c := range b.land.cells {
		add(k == noTerritory, Duty{Organisation: orgTown(c.town), Kind: "territory", Area: b.cellIDs[k]})
	}
	for k, a := range b.Assets {
		add(k == noEnterprise, Duty{Organisation: a.Organisation, Kind: "enterprise", Asset: a.ID})
		if bureau := regulatorOf(a.Kind); bureau != "" {
			add(false, Duty{Organisation: bureau, Kind: "regulator", Asset: a.ID})
		}
	}
}

// regulatorOf is the authority over the stations of a kind; small instruments fall to the district's.
func regulatorOf(kind string) string {
	switch kind {
	case "gas/source-station", "gas/regulator":
		return orgHousing
	case "water/plant", "water/reservoir", "water/pump-station", "flood/pump-station":
		return orgWaterWorks
	case "flood/road-gauge": // whoever closes the road
		return orgTraffic
	case "lifts/lift":
		return orgMarket
	}
	return ""
}

// An Office is one that is reached by telephone. Numbers of the city are invented; the short codes are those of the whole country.
type Office struct {
	Organisation string
	Post         string // by its id in the packs; "" is the organisation itself
	Phone        string
	Manned       bool // round the clock, by a roster
}

// Offices are the directory of duty phones.
func (w *World) Offices() []Office {
	const dutyOffice = "duty-office"
	out := []Office{
		{orgEmergency, dutyOffice, "5550 0100", true},
		{orgGas, "gas-control", "5550 0110", true},
		{orgWater, "water-control", "5550 0120", true},
		{orgDrainage, "", "5550 0130", false},
		{orgDrainage, "flood-crew", "5550 0131", false},
		{orgPower, "", "5550 0140", false},
		{orgWeather, "", "5550 0150", false},
		{orgTraffic, "", "122", false},
		{"org-fire", "", "119", false},
		{"org-health", "", "120", false},
	}
	for i, o := range w.Organisations {
		if o.Kind == "bureau" && o.ID != orgEmergency && o.ID != orgWeather || o.Kind == "town-office" {
			out = append(out, Office{o.ID, dutyOffice, fmt.Sprintf("5550 1%03d", i), false})
		}
	}
	return out
}

// A Post is one that the demo offers for its drills: an organisation and what its people do there.
type Post struct {
	ID           string // "drainage", "traffic", "power", "town"
	Organisation string
	Name         Name
}

// Posts are the four agencies of the storm: who drains, who closes roads, who keeps the supply, and the town below the worst of
// it.
func (w *World) Posts() []Post {
	return []Post{
		{"drainage", orgDrainage, Name{"Drainage company", "排水公司"}},
		{"traffic", orgTraffic, Name{"Traffic police", "交警支队"}},
		{"power", orgPower, Name{"Power supply company", "供电公司"}},
		{"town", w.StormTown(), Name{"Town office", "街镇"}},
	}
}
