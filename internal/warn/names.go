package warn

// HazardNames are the ids of all hazards that a warning can be about, composed here or passed on.
func HazardNames() []string {
	h, err := loadHazards(hazardsYAML)
	if err != nil {
		return nil // the room itself does not start then
	}
	var ids []string
	for _, x := range h.all {
		ids = append(ids, x.ID)
	}
	return ids
}
