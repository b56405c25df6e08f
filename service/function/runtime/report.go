package runtime

import (
	"fmt"
	"strconv"
	"time"
)

// The lines that Lambda adds to a function's log. Source: AWS Lambda Developer Guide, "Understanding the Lambda execution
// environment lifecycle"; the fields of REPORT behind Max Memory Used as seen in logs of 2025.

func startLine(id, version string) []byte {
	b := append([]byte("START RequestId: "), id...)
	b = append(b, " Version: "...)
	return append(b, version...)
}

func endLine(id string) []byte { return append([]byte("END RequestId: "), id...) }

// reportLine ends a call. status is "", "timeout" or "error", which has a type.
//
// UNCONFIRMED: that the billed duration contains the initialization, as Lambda's prices say since August 2025.
func reportLine(id string, r *Result, memoryMB, usedMB int, status, errorType string) []byte {
	b := append([]byte("REPORT RequestId: "), id...)
	b = append(b, "\tDuration: "...)
	b = appendMillis(b, r.Duration)
	b = append(b, " ms\tBilled Duration: "...)
	b = strconv.AppendInt(b, r.Billed.Milliseconds(), 10)
	b = append(b, " ms\tMemory Size: "...)
	b = strconv.AppendInt(b, int64(memoryMB), 10)
	b = append(b, " MB\tMax Memory Used: "...)
	b = strconv.AppendInt(b, int64(usedMB), 10)
	b = append(b, " MB\t"...)
	if r.Init > 0 {
		b = append(b, "Init Duration: "...)
		b = appendMillis(b, r.Init)
		b = append(b, " ms\t"...)
	}
	if status != "" {
		b = append(append(b, "Status: "...), status...)
	}
	if errorType != "" {
		b = append(append(b, "\tError Type: "...), errorType...)
	}
	return b
}

// initReportLine tells of an initialization that failed. phase is "init", or "invoke" for the second try.
func initReportLine(took time.Duration, phase, status, errorType string) []byte {
	line := fmt.Sprintf("INIT_REPORT Init Duration: %s ms\tPhase: %s\tStatus: %s", appendMillis(nil, took), phase, status)
	if errorType != "" {
		line += "\tError Type: " + errorType
	}
	return []byte(line)
}

func appendMillis(b []byte, d time.Duration) []byte {
	return strconv.AppendFloat(b, float64(d.Microseconds())/1000, 'f', 2, 64)
}

// billed rounds up to whole milliseconds.
func billed(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1) / time.Millisecond * time.Millisecond
}
