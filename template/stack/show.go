package stack

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sockgate/sockgate/template"
	"github.com/sockgate/sockgate/template/resource"
)

// maxShown is the longest value that a plan shows, in bytes.
const maxShown = 120

// Write shows the plan to people: one line for each resource that changes, and one for each property of those that exist already.
func (p *Plan) Write(w io.Writer) {
	marks := map[Action]string{Create: "+", Update: "~", Replace: "±", Delete: "-", Retain: "o"}
	for _, s := range p.Steps {
		if s.Action == Unchanged {
			continue
		}
		line := fmt.Sprintf("%s %-8s %s  %s", marks[s.Action], s.Action, s.ID, s.Type)
		if s.Action == Replace {
			line += "  (" + strings.Join(reasons(s.Because), ", ") + " cannot change in place)"
		}
		fmt.Fprintln(w, line)
		if s.Action == Update || s.Action == Replace {
			p.writeChanges(w, s)
		}
	}
	if p.Outputs {
		fmt.Fprintln(w, "~ outputs")
	}
	fmt.Fprintln(w, p.summary())
}

func reasons(because []string) []string {
	out := make([]string, len(because))
	for i, b := range because {
		if out[i] = b; b == resource.DefinitionSum {
			out[i] = "the API's definition, which a deployment freezes,"
		}
	}
	return out
}

func (p *Plan) writeChanges(w io.Writer, s *Step) {
	for _, c := range s.Changes {
		if c.Path == resource.DefinitionSum {
			continue
		}
		fmt.Fprintf(w, "    %s: %s → %s\n", c.Path, p.shown(c.Path, c.Old), p.shown(c.Path, c.New))
	}
}

// shown is a value in one short line, without what is not to be shown.
func (p *Plan) shown(path string, v any) string {
	text := ""
	switch v := v.(type) {
	case nil:
		return "(none)"
	case template.Unknown:
		return "(known after " + v.ID + ")"
	case string:
		if strings.HasSuffix(path, resource.CodeSum) && len(v) > 12 {
			return v[:12]
		}
		text = fmt.Sprintf("%q", v)
	default:
		b, err := json.Marshal(spoken(v))
		if err != nil {
			return "?"
		}
		text = string(b)
	}
	for _, secret := range p.hidden {
		text = strings.ReplaceAll(text, secret, "****")
	}
	if len(text) > maxShown {
		text = strings.ToValidUTF8(text[:maxShown], "") + "…"
	}
	return text
}

// spoken replaces unknown values in a tree with words.
func spoken(v any) any {
	switch v := v.(type) {
	case template.Unknown:
		return v.String()
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = spoken(item)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, item := range v {
			out[k] = spoken(item)
		}
		return out
	}
	return v
}

func (p *Plan) summary() string {
	var parts []string
	for _, a := range []struct {
		action Action
		words  string
	}{{Create, "to create"}, {Update, "to update"}, {Replace, "to replace"}, {Delete, "to delete"}, {Retain, "to retain"}, {Unchanged, "unchanged"}} {
		if n := p.Count(a.action); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, a.words))
		}
	}
	if p.Leftovers > 0 {
		parts = append(parts, fmt.Sprintf("%d left over to delete", p.Leftovers))
	}
	if len(parts) == 0 {
		parts = []string{"nothing to do"}
	}
	return "Stack " + p.Stack + ": " + strings.Join(parts, ", ")
}
