package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"
)

// A function's lines in its log, made readable.
var (
	// ofRuntime are the frames of a stack trace that are not the application's.
	ofRuntime = regexp.MustCompile(`^\s+at .*(\(node:|at node:|/functions/runtime/)|^\s+File ".*/functions/runtime/`)
	// tree is where the gateway keeps a function's code.
	tree = regexp.MustCompile(`(file://)?[^\s("']*/functions/code/tree/[0-9a-f]{64}/`)
	// before is what the runtime puts before its own words.
	before = regexp.MustCompile(`^(\S+Z )?(RequestId: )?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12} `)
)

// failure is what Node.js functions leave behind when they fail.
type failure struct {
	Type    string   `json:"errorType"`
	Message string   `json:"errorMessage"`
	Stack   []string `json:"stack"`
	Reason  *failure `json:"reason"`
}

// printed is what a function printed, without what Node.js and the log put before it: a time, a request id, a level. It may have
// several lines; it is empty for a line that tells nothing to who wrote the function.
func printed(line string) string {
	text := line
	parts := strings.Split(strings.ReplaceAll(line, `\t`, "\t"), "\t")
	if len(parts) >= 4 {
		if at := strings.Fields(parts[0]); len(at) > 0 {
			if _, err := time.Parse(time.RFC3339Nano, at[len(at)-1]); err == nil {
				level := strings.TrimSpace(parts[2])
				text = strings.Join(parts[3:], " ")
				if _, object, ok := strings.Cut(line, "\t{\"errorType\""); ok && level == "ERROR" {
					if trace := traced(`{"errorType"` + object); trace != "" {
						return "ERROR " + trace
					}
				}
				if level != "INFO" {
					text = level + " " + text
				}
			}
		}
	}
	if rest := before.ReplaceAllString(text, ""); rest != text {
		text = "ERROR " + strings.TrimPrefix(rest, "Error: ") // of the runtime: it timed out, it ended
	}
	if ofRuntime.MatchString(text) {
		return ""
	}
	return tree.ReplaceAllString(text, "")
}

// traced writes a failure as Node.js itself would, with the application's frames only.
func traced(object string) string {
	var f failure
	if json.Unmarshal([]byte(object), &f) != nil {
		return ""
	}
	if f.Reason != nil {
		f = *f.Reason
	}
	lines := []string{f.Type + ": " + f.Message}
	if f.Type == "" {
		lines[0] = f.Message
	}
	told := strings.Count(f.Message, "\n")
	for _, line := range f.Stack {
		frame := strings.HasPrefix(line, "    at ")
		if !frame && told >= 0 { // the message once more
			told--
			continue
		}
		if !ofRuntime.MatchString(line) {
			lines = append(lines, tree.ReplaceAllString(line, ""))
		}
	}
	return strings.Join(lines, "\n")
}
