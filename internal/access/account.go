package access

// Account returns an account as it is now, as the actor that it is when its person signs in; ok is false where it is disabled or
// does not exist. It answers from memory. It is for what a person has asked for beforehand, such as being told of something.
func (s *Service) Account(id int64) (a Actor, ok bool) {
	known := s.known.Load().accounts[id]
	if known == nil || known.disabled {
		return Actor{}, false
	}
	return known.actor(), true
}
