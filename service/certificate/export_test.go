package certificate

import "github.com/caddyserver/certmagic"

// Storage is what certmagic is given.
func (s *Service) Storage() certmagic.Storage { return s.storage() }
