package template

// Bounds of one template. Source: CloudFormation User Guide, "CloudFormation quotas"; those marked "ours" have no such
// source and only keep a hostile file from costing much.
const (
	maxSource     = 1 << 20 // bytes
	maxResources  = 500
	maxParameters = 200
	maxMappings   = 200
	maxOutputs    = 200
	maxLogicalID  = 255
	maxValue      = 4096 // bytes of a parameter's value

	maxDepth   = 100      // ours: levels of nesting
	maxWeight  = 200_000  // ours: nodes, aliases counted at each use, and 100 bytes of text as one more
	maxFaults  = 50       // ours: errors that are told of at once
	maxText    = 16 << 20 // ours: bytes of text that one evaluation may put together
	maxFlowRun = 100      // ours: nested "- " or "? " on one line

	// Ours, of YAML only: the library's time grows with the square of these.
	maxLine  = 32 << 10 // bytes of one line
	maxBlank = 1000     // empty lines in a row
	maxKeys  = 5000     // keys of one block mapping
)
