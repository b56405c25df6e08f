package config

import (
	"reflect"
	"strings"
	"unicode"
)

// Setting is one value of the configuration under all of its names.
type Setting struct {
	Key     string // "limits.idleTimeout"
	Env     string // "SOCKGATE_LIMITS_IDLE_TIMEOUT"
	Flag    string // "limits-idle-timeout", or "" where it has none
	Default string // as a user would write it; empty where there is none
	Shown   string // what a reference shows as the default
	Doc     string
	Bool    bool

	min, max, zero string
	oneOf          []string
	check          string
	target         any // points at the member of the Config: *string, *Secret, *bool, *int, *Size, *Map, *List or *time.Duration
}

// group is a named part of the configuration; the top has no name.
type group struct {
	key, doc string
	settings []*Setting
}

// Settings lists every setting in the order of the reference.
func Settings() []Setting {
	var all []Setting
	for _, g := range groups(new(Config)) {
		for _, s := range g.settings {
			s.target = nil
			all = append(all, *s)
		}
	}
	return all
}

// Default returns the configuration that nothing was set in. Its Data is empty, as that depends on the user's environment.
func Default() *Config {
	c := new(Config)
	for _, g := range groups(c) {
		for _, s := range g.settings {
			if s.Default == "" {
				continue
			}
			if err := s.parse(s.Default); err != nil {
				panic("config: default of " + s.Key + " " + err.Error())
			}
		}
	}
	return c
}

// groups reads the tags of c's members; the settings point into c.
func groups(c *Config) []group { return groupsOf(reflect.ValueOf(c).Elem()) }

// groupsOf reads the tags of the members of a structure that can be set.
func groupsOf(v reflect.Value) []group {
	top := group{}
	var named []group
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Tag.Get("key") == "" {
			continue
		}
		if field.Type.Kind() != reflect.Struct {
			top.settings = append(top.settings, newSetting("", field, v.Field(i)))
			continue
		}
		g := group{key: field.Tag.Get("key"), doc: field.Tag.Get("doc")}
		for j := range field.Type.NumField() {
			g.settings = append(g.settings, newSetting(g.key, field.Type.Field(j), v.Field(i).Field(j)))
		}
		named = append(named, g)
	}
	return append([]group{top}, named...)
}

func newSetting(group string, field reflect.StructField, v reflect.Value) *Setting {
	tag := field.Tag.Get
	key := tag("key")
	if group != "" {
		key = group + "." + key
	}
	words := kebab(key)
	s := &Setting{
		Key:     key,
		Env:     envPrefix + strings.ToUpper(strings.ReplaceAll(words, "-", "_")),
		Flag:    words,
		Default: tag("default"),
		Shown:   tag("default"),
		Doc:     tag("doc"),
		Bool:    field.Type.Kind() == reflect.Bool,
		min:     tag("min"),
		max:     tag("max"),
		zero:    tag("zero"),
		check:   tag("check"),
		target:  v.Addr().Interface(),
	}
	if shown := tag("shown"); shown != "" {
		s.Shown = shown
	}
	if oneOf := tag("oneof"); oneOf != "" {
		s.oneOf = strings.Split(oneOf, ",")
	}
	if tag("flag") == "-" {
		s.Flag = ""
	}
	return s
}

// Limits says what values are permitted, in a few words, or "".
func (s *Setting) Limits() string {
	var parts []string
	if s.oneOf != nil {
		parts = append(parts, strings.Join(s.oneOf, ", "))
	}
	if s.min != "" {
		parts = append(parts, s.min+" to "+s.max)
	}
	if s.zero != "" {
		parts = append(parts, "or 0: "+s.zero)
	}
	return strings.Join(parts, "; ")
}

// kebab turns "limits.idleTimeout" into "limits-idle-timeout".
func kebab(key string) string {
	var b strings.Builder
	for _, r := range key {
		switch {
		case r == '.':
			b.WriteByte('-')
		case unicode.IsUpper(r):
			b.WriteByte('-')
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
