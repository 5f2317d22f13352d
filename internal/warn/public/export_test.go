package public

// Kept is how many documents the present picture keeps.
func (s *Service) Kept() int { return len(s.picture.Load().shelf.slots) }

// Expire has the picture drawn anew.
func (s *Service) Expire() { s.generation.Add(1) }
