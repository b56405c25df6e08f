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
}

// NewTable returns an empty table.
func NewTable() *Table {
	t := &Table{}
	t.stages.Store(&map[StageKey]*Stage{})
	return t
}

// Stage returns the live stage, or nil when the API or the stage does not exist or nothing is deployed to it.
func (t *Table) Stage(apiID, stage string) *Stage {
	return (*t.stages.Load())[StageKey{apiID, stage}]
}

// Serves reports whether a stage is live and its clients may come by the API's own host name or path, which
// disableExecuteApiEndpoint forbids (reference section 8; UNCONFIRMED: that it is then answered like a stage that is not there).
func (t *Table) Serves(apiID, stage string) bool {
	st := t.Stage(apiID, stage)
	return st != nil && !st.API.DisableExecuteAPIEndpoint
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
