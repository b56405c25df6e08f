// Package stack deploys templates: it plans what a template changes, makes the changes in the order of their dependencies, takes them back when
// one fails, and remembers in the gateway what it made. It knows no resource type (package resource does) and no syntax (package
// template does), and talks to the gateway through its public APIs only.
//
// # What is remembered
//
// A stack is one document (Document) behind the API of control/stacks. Before every step the document says what is about to be done
// (Intent), and afterwards what came of it, so that a deploy which ended half way, even by kill -9, leaves nothing that nobody
// knows of: the next one asks the gateway what became of the open intents, and goes on from there.
//
//	IN_PROGRESS   resources are created and updated; replaced ones are kept in Retired; all can be taken back
//	CLEANUP       the point of no return: outputs are written, and what was replaced or left out of the template is deleted
//	COMPLETE      nothing is under way
//	ROLLBACK      changes are being taken back
//	DELETING      the stack is being deleted
//
// A rollback never creates anything, since nothing is deleted before CLEANUP. It leads back to the last COMPLETE, also when several
// interrupted deploys lie between.
package stack

import (
	"maps"
	"slices"
	"time"

	"github.com/sockgate/sockgate/template/resource"
)

// The states of a stack.
const (
	InProgress = "IN_PROGRESS"
	Cleanup    = "CLEANUP"
	Complete   = "COMPLETE"
	Rollback   = "ROLLBACK"
	Deleting   = "DELETING"
)

// Document is what is remembered of a stack.
type Document struct {
	Name      string             `json:"name"`
	ID        string             `json:"id"` // AWS::StackId
	Status    string             `json:"status"`
	Resources map[string]*Record `json:"resources"` // by logical id
	// Retired are resources that another took the place of, or that are no longer in the template; they are to be deleted.
	Retired    []*Record         `json:"retired,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"` // as given, for the next deploy
	Outputs    []Output          `json:"outputs,omitempty"`
	Created    time.Time         `json:"created"`
	Updated    time.Time         `json:"updated"`
}

// Record is one resource of a stack.
type Record struct {
	ID        string   `json:"id"`
	Type      string   `json:"type"`
	DependsOn []string `json:"dependsOn,omitempty"`
	// Retain and RetainReplaced keep the resource when the stack gives it up, and when another takes its place.
	Retain         bool `json:"retain,omitempty"`
	RetainReplaced bool `json:"retainReplaced,omitempty"`
	// State is nil until the resource exists.
	*resource.State `json:"state,omitempty"`
	Intent          *Intent `json:"intent,omitempty"` // the step that is under way
	// New says that the resource was made after the last COMPLETE, and Before is what it was then, where it changed since.
	New    bool            `json:"new,omitempty"`
	Before *resource.State `json:"before,omitempty"`
	// Final says of a retired record that it cannot come back.
	Final bool `json:"final,omitempty"`
}

// Intent is a step that was begun.
type Intent struct {
	Action     string         `json:"action"` // "create", "update" or "delete"
	Name       string         `json:"name,omitempty"`
	Properties map[string]any `json:"properties,omitempty"`
	Existing   []string       `json:"existing,omitempty"` // ids that were there before; see resource.Call
}

// The actions of an Intent.
const (
	create = "create"
	update = "update"
	remove = "delete"
)

// Output is one of a stack's outputs.
type Output struct {
	Name        string `json:"name"`
	Value       string `json:"value"`
	Description string `json:"description,omitempty"`
	Export      string `json:"export,omitempty"`
}

// exports returns what other stacks can import.
func (d *Document) exports() map[string]string {
	all := map[string]string{}
	for _, o := range d.Outputs {
		if o.Export != "" {
			all[o.Export] = o.Value
		}
	}
	return all
}

// copy returns a document that shares nothing with d.
func (d *Document) copy() (*Document, error) {
	c := &Document{}
	return c, convert(d, c)
}

// known returns the physical ids of all resources of a type.
func (d *Document) known(typ string) (ids []string) {
	for _, r := range d.records() {
		if r.Type == typ && r.State != nil {
			ids = append(ids, r.PhysicalID)
		}
	}
	return ids
}

// records returns all records, those in use before the retired, in a fixed order.
func (d *Document) records() []*Record {
	all := make([]*Record, 0, len(d.Resources)+len(d.Retired))
	for _, id := range slices.Sorted(maps.Keys(d.Resources)) {
		all = append(all, d.Resources[id])
	}
	return append(all, d.Retired...)
}

// dropRetired forgets a retired record.
func (d *Document) dropRetired(r *Record) {
	d.Retired = slices.DeleteFunc(d.Retired, func(o *Record) bool { return o == r })
}
