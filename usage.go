package sockgate

import "time"

// APIKey lets a client use what its usage plans name.
type APIKey struct {
	ID          string // 10 lowercase letters and digits
	Name        string // up to 1,024 characters, not unique
	Description string
	Value       string // 20 to 128 characters, unique; a secret
	CustomerID  string
	Enabled     bool
	StageKeys   []string // "{apiId}/{stage}": older than usage plans; stored and shown, without effect
	Tags        map[string]string
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// UsagePlan says which stages its keys may use, how fast, and how much.
type UsagePlan struct {
	ID          string // 6 lowercase letters and digits
	Name        string
	Description string
	ProductCode string
	Stages      []PlanStage
	Throttle    *Throttle // of each key over all stages; nil: no limit
	Quota       *Quota    // of each key over all stages; nil: no limit
	Tags        map[string]string
	CreatedAt   time.Time
}

// PlanStage is one stage that a plan's keys may use.
type PlanStage struct {
	APIID, Stage string
	Throttle     map[string]Throttle // by route key: limits of each key on one route
}

// Throttle is a token bucket's size and speed. A zero stops everything.
type Throttle struct {
	Burst int     // tokens that the bucket holds
	Rate  float64 // tokens per second
}

// Quota is how many requests a key has in a period of the calendar, in UTC.
type Quota struct {
	Limit  int
	Offset int    // taken off Limit in the first period, in which the plan began
	Period string // "DAY", "WEEK" (from Sunday) or "MONTH"
}

// PlanKey is a key's membership in a plan. A key may be in several plans, but in one only for each stage.
type PlanKey struct {
	PlanID, KeyID string
	Since         time.Time
}

// AccountSettings are what API Gateway keeps for an account as a whole.
type AccountSettings struct {
	CloudWatchRoleARN string // of the role that writes logs; stored and shown, without effect
}
