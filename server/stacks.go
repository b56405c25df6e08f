package server

import (
	"time"

	"github.com/sockgate/sockgate/control/stacks"
)

// stacksAPI is where deploys remember what they made.
func (s *Server) stacksAPI() *stacks.Service {
	return stacks.New(stacks.Config{Store: s.store, Account: s.cfg.Account, Region: s.cfg.Region, Clock: time.Now})
}
