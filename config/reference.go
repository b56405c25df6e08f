package config

import (
	"fmt"
	"strings"
)

const referenceHead = `# Configuration

<!-- Generated from the package config by "go generate ./config"; change it there. -->

Every setting has three names: a key of the YAML file, a variable of the environment and a flag of ` + "`sockgate serve`" + `.
The defaults hold where nothing is set; the file wins over them, the environment over the file, and flags over everything.
The file is named with ` + "`--config FILE`" + ` or ` + "`SOCKGATE_CONFIG`" + `.

` + "```yaml" + `
listen: 127.0.0.1:4566
limits:
  idleTimeout: 10m
  messageSize: 128KiB
` + "```" + `

Names that do not exist, values of the wrong form and keys that occur twice are errors; all of them are told at once, with file
and line. A variable that is set but empty counts as not set.

- **Durations** are numbers with units: ` + "`10s`, `5m`, `1h30m`" + `.
- **Sizes** are numbers of bytes: ` + "`32768`" + `, or with a unit: ` + "`32KiB`, `1MiB`" + ` (powers of 1024), ` + "`32KB`, `1MB`" + ` (powers of 1000).
- **Paths** that are relative start at the working directory.
`

// Reference writes the documentation of all settings in Markdown: docs/configuration.md.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, g := range groups(new(Config)) {
		title, doc := g.key, g.doc
		if title == "" {
			title, doc = "General", "Keys at the top of the file."
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", title, doc)
		for _, s := range g.settings {
			s.describe(&b)
		}
	}
	for _, it := range lists(new(Config)) {
		it.describe(&b)
	}
	return b.String()
}

func (s *Setting) describe(b *strings.Builder) {
	fmt.Fprintf(b, "\n### `%s`\n\n%s\n\n", s.Key, s.Doc)
	if s.Shown != "" {
		fmt.Fprintf(b, "- Default: `%s`\n", s.Shown)
	}
	if limits := s.Limits(); limits != "" {
		fmt.Fprintf(b, "- Values: %s\n", limits)
	}
	fmt.Fprintf(b, "- Environment: `%s`\n", s.Env)
	if s.Flag != "" {
		fmt.Fprintf(b, "- Flag: `--%s`\n", s.Flag)
	}
}
