package tunnel

import "time"

// SetStuck shortens what takes half a minute.
func (g *Gateway) SetStuck(d time.Duration) { g.stuck = d }
