package runtime

import "time"

// SetInitLimit shortens the ten seconds that an initialization may take.
func (p *Pools) SetInitLimit(d time.Duration) { p.initLimit = d }

// ExpireIdle does what the watcher does once a second.
func (p *Pools) ExpireIdle() { p.expireIdle() }
