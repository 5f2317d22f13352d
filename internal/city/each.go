package city

// EachAsset calls fn with where every asset stands, in no order. It answers from memory.
func (s *Service) EachAsset(fn func(Spot)) {
	for _, a := range s.picture.Load().assets {
		fn(a)
	}
}

// EachPlace calls fn with where every place lies, in no order. It answers from memory.
func (s *Service) EachPlace(fn func(Spot)) {
	for _, p := range s.picture.Load().places {
		fn(p)
	}
}

// AboveGrid is the area itself, or the nearest around it that is no grid cell; 0 for none. It answers from memory.
func (s *Service) AboveGrid(area int64) int64 {
	a := s.picture.Load().areas
	if a == nil {
		return 0
	}
	for n := a.byID[area]; n != nil; n = n.parent {
		if n.level != GridLevel {
			return n.id
		}
	}
	return 0
}
