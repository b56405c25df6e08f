package deploy

import (
	"maps"
	"sync/atomic"
)

// StageKey names a stage.
type StageKey struct{ APIID, Stage string }

// Table is the set of stages that are live on this node. Reading it takes no lock.
type Table struct {
	stages atomic.Pointer[map[StageKey]*Stage]
	closed atomic.Pointer[map[string]bool] // APIs whose own endpoint is disabled
}

// NewTable returns an empty table.
func NewTable() *Table {
	t := &Table{}
	t.stages.Store(&map[StageKey]*Stage{})
	t.closed.Store(&map[string]bool{})
	return t
}

// Stage returns the live stage, or nil when the API or the stage does not exist or nothing is deployed to it.
func (t *Table) Stage(apiID, stage string) *Stage {
	return (*t.stages.Load())[StageKey{apiID, stage}]
}

// Serves reports whether a stage is live and its clients, and those who push to them, may come by the API's own host name or path,
// which disableExecuteApiEndpoint forbids (reference section 8; UNCONFIRMED: that it is then answered like a stage that is not there).
// The switch is the API's as it is now: it takes effect without a deployment.
func (t *Table) Serves(apiID, stage string) bool {
	return t.Live(apiID, stage) && !(*t.closed.Load())[apiID]
}

// Live reports whether a stage is live, for clients who come by a domain name.
func (t *Table) Live(apiID, stage string) bool { return t.Stage(apiID, stage) != nil }

// close disables or enables an API's own endpoint. Only the Deployer calls it, one call at a time.
func (t *Table) close(apiID string, closed bool) {
	old := *t.closed.Load()
	if old[apiID] == closed {
		return
	}
	next := maps.Clone(old)
	if delete(next, apiID); closed {
		next[apiID] = true
	}
	t.closed.Store(&next)
}

// replace sets and removes stages as one visible step. Only the Deployer calls it, one call at a time.
func (t *Table) replace(set map[StageKey]*Stage, remove []StageKey) {
	next := maps.Clone(*t.stages.Load())
	for _, k := range remove {
		delete(next, k)
	}
	maps.Copy(next, set)
	t.stages.Store(&next)
}
