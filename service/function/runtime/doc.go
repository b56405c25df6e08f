// Package runtime runs functions: real processes that speak the Lambda Runtime API, kept warm, timed, limited and logged.
// It knows nothing of function records, permissions or aliases; what to run comes as a Spec.
//
//	Invoke ─► function (a pool by name) ─► process ─► its own Runtime API listener ◄─HTTP─ bootstrap ─► handler
//	                                          └─ output pipe ─► log group
//
// The life of a process:
//
//	starting ──first GET next──► waiting ◄──GET next── answered
//	   │                            └──call──► busy ──POST response/error──┘
//	   └ init error, exit, 10 s ─► ended ◄── exit, time-out, memory, idle 5 min, retired, credentials about to expire
//
// As in Lambda, an environment serves one call at a time; initialization may take 10 seconds outside of the call's own
// timeout, and when it fails it is tried once more within that timeout. Unlike in Lambda, a process is not frozen between
// calls, and without isolation it shares the machine's /tmp: there, a single file is limited to the function's storage size,
// the sum of files is not.
//
// Isolation "none" separates processes from each other only by convention: they have the gateway's user. "bubblewrap" gives
// each its own file system view, process table and /tmp of limited size; the network stays shared, since the Runtime API and
// the gateway are reached over loopback.
//
// Processes are started through package supervise, so a program that uses this package must call supervise.Main first.
//
// Source: AWS Lambda Developer Guide, "Using the Lambda runtime API", "Understanding the Lambda execution environment
// lifecycle", "Using Lambda environment variables".
package runtime
