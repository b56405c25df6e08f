package table

import (
	"slices"
	"time"

	"github.com/sockgate/sockgate/lang/ddb/value"
)

// The statuses of tables and indexes.
const (
	Creating = "CREATING"
	Active   = "ACTIVE"
	Updating = "UPDATING"
	Deleting = "DELETING"
)

// The billing modes.
const (
	Provisioned   = "PROVISIONED"
	PayPerRequest = "PAY_PER_REQUEST"
)

// Limits of DynamoDB. Source: DynamoDB Developer Guide, "Quotas".
const (
	MaxItemSize  = 400 << 10 // bytes of an item, names included
	MaxHashKey   = 2048      // bytes of a hash key's value
	MaxRangeKey  = 1024      // bytes of a range key's value
	MaxPage      = 1 << 20   // bytes that a Query or Scan reads at once
	MaxGlobal    = 20        // global secondary indexes of a table
	MaxLocal     = 5         // local secondary indexes of a table
	streamWindow = 24 * time.Hour
	tokenWindow  = 10 * time.Minute // in which a transaction's token is remembered
)

// Attribute is a key attribute's definition.
type Attribute struct {
	Name string
	Kind value.Kind // S, N or B
}

// Key is the schema of a primary key or of an index's key.
type Key struct {
	Hash  string
	Range string // "" when there is none
}

// Throughput is provisioned capacity. Nothing is throttled by it: it is kept and shown.
type Throughput struct {
	Read, Write int64
	Increased   time.Time // zero: never
	Decreased   time.Time
	Decreases   int // today
}

// Index is a secondary index.
type Index struct {
	ID          uint16 // in its table, from 1; never used again
	Name        string
	Global      bool
	Key         Key
	Projection  string   // "ALL", "KEYS_ONLY" or "INCLUDE"
	NonKey      []string // of INCLUDE
	Throughput  Throughput
	MaxRead     int64 // on-demand limits; 0 is not given
	MaxWrite    int64
	Status      string
	Backfilling bool // entries of items that were there before it are still being written
}

// Stream is a table's change stream; a table has a new one each time that streams are enabled.
type Stream struct {
	ID       uint32 // in its table, from 1
	Label    string // the time at which it began, ISO 8601
	View     string // "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE" or "NEW_AND_OLD_IMAGES"
	Created  time.Time
	Disabled time.Time // zero while it is enabled
}

// Expiry is a table's time to live.
type Expiry struct {
	Attribute string
	Enabled   bool
	Queued    bool // all items that have the attribute are in the queue
}

// Definition describes a table. One that an Engine has returned is never changed.
type Definition struct {
	ID         uint32
	UUID       string
	Name       string
	Attributes []Attribute
	Key        Key
	Indexes    []Index
	NextIndex  uint16 // the last index number given
	Billing    string
	OnDemandAt time.Time // when PAY_PER_REQUEST was last set; zero: never
	Throughput Throughput
	MaxRead    int64 // on-demand limits; 0 is not given
	MaxWrite   int64
	Created    time.Time
	Status     string
	Protected  bool
	Class      string            // "STANDARD" or "STANDARD_INFREQUENT_ACCESS"; "" when not given
	SSE        bool              // encryption with a KMS key was asked for; kept and shown
	KMSKey     string            // its ARN
	PITR       bool              // point-in-time recovery was asked for; never set, as it is not built
	Tags       map[string]string // never nil after Create
	Expiry     Expiry
	Streams    []Stream // oldest first; the last is the latest
	Due        time.Time
	Pending    *Change // what takes hold when an update is done
}

// Change is what an update will have changed when the table is ACTIVE again.
type Change struct {
	Billing    string
	Throughput *Throughput           // the table's, nil for no change
	Indexes    map[string]Throughput // by index name
}

// Kind returns the type of a key attribute; Absent for a name that is none.
func (d *Definition) Kind(name string) value.Kind {
	for i := range d.Attributes {
		if d.Attributes[i].Name == name {
			return d.Attributes[i].Kind
		}
	}
	return value.Absent
}

// Index returns the index called name, or nil.
func (d *Definition) Index(name string) *Index {
	for i := range d.Indexes {
		if d.Indexes[i].Name == name {
			return &d.Indexes[i]
		}
	}
	return nil
}

// Stream returns the stream that is enabled, or nil.
func (d *Definition) Stream() *Stream {
	if n := len(d.Streams); n > 0 && d.Streams[n-1].Disabled.IsZero() {
		return &d.Streams[n-1]
	}
	return nil
}

// LatestStream returns the stream that was last enabled, or nil.
func (d *Definition) LatestStream() *Stream {
	if n := len(d.Streams); n > 0 {
		return &d.Streams[n-1]
	}
	return nil
}

// Projected reports whether the index holds the attribute name of its table's items.
func (x *Index) Projected(d *Definition, name string) bool {
	if x.Projection == "ALL" || name == x.Key.Hash || name == x.Key.Range || name == d.Key.Hash || name == d.Key.Range {
		return true
	}
	return slices.Contains(x.NonKey, name)
}

// Usable reports whether items can be read and written.
func (d *Definition) usable() bool { return d.Status == Active || d.Status == Updating }

// clone returns a copy that may be changed.
func (d *Definition) clone() *Definition {
	c := *d
	c.Attributes = slices.Clone(d.Attributes)
	c.Indexes = slices.Clone(d.Indexes)
	c.Streams = slices.Clone(d.Streams)
	c.Tags = make(map[string]string, len(d.Tags))
	for k, v := range d.Tags {
		c.Tags[k] = v
	}
	return &c
}

// DropUnused forgets, in an edit of Change, the definitions of attributes that no key has.
func (d *Definition) DropUnused() {
	d.Attributes = slices.DeleteFunc(d.Attributes, func(a Attribute) bool {
		used := a.Name == d.Key.Hash || a.Name == d.Key.Range
		for _, x := range d.Indexes {
			used = used || a.Name == x.Key.Hash || a.Name == x.Key.Range
		}
		return !used
	})
}
