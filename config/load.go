package config

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sockgate/sockgate"
)

// Sources is what the user has set, in all of the ways there are.
type Sources struct {
	Flags   map[string]string // by Setting.Flag: only flags that were given
	Environ []string          // "NAME=value", as os.Environ returns it
	File    string            // path of the YAML file; empty: the one that SOCKGATE_CONFIG names, or none
}

// Load joins the defaults, the file, the environment and the flags, each winning over those before it, and checks the result.
//
// It is strict: names that do not exist, values of the wrong form and settings that contradict each other are errors.
// The error is an Invalid *sockgate.Error whose message lists every fault on a line of its own, each with the place where it
// was made and what to do; secrets are not repeated in it. A variable that is set but empty counts as not set.
func Load(from Sources) (*Config, error) {
	c := Default()
	l := &loader{origins: map[string]string{}, settings: map[string]*Setting{}}
	for _, g := range groups(c) {
		for _, s := range g.settings {
			l.settings[s.Key] = s
			l.order = append(l.order, s)
		}
	}
	l.lists = lists(c)
	env := l.readEnviron(from.Environ)
	path := from.File
	if path == "" {
		path = env.config
	}
	if path != "" {
		l.readFile(path)
	}
	l.setEnviron(c, env)
	l.setFlags(from.Flags)
	l.setDataDir(c, env)
	if c.State.URL != "" && l.origins["state.engine"] == "" {
		c.State.Engine = "nats" // naming servers says it
	}
	l.validate(c)
	if err := l.err(); err != nil {
		return nil, err
	}
	return c, nil
}

// loader collects values and faults from all sources.
type loader struct {
	settings map[string]*Setting
	order    []*Setting
	lists    []items           // that the file may have
	origins  map[string]string // by key: where the value came from, e.g. "config.yaml:3" or "--listen"
	faults   []string
}

func (l *loader) fault(origin, text string) {
	if origin != "" {
		text = origin + ": " + text
	}
	l.faults = append(l.faults, text)
}

func (l *loader) err() error {
	if len(l.faults) == 0 {
		return nil
	}
	return sockgate.Invalidf("%s", strings.Join(l.faults, "\n"))
}

// set gives one setting a value from the named place.
func (l *loader) set(s *Setting, text, origin string) {
	if err := s.parse(text); err != nil {
		l.fault(origin, s.naming(origin)+quote(s, text)+" "+err.Error())
		return
	}
	l.origins[s.Key] = origin
}

func (l *loader) setFlags(flags map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(flags)) {
		i := slices.IndexFunc(l.order, func(s *Setting) bool { return s.Flag != "" && s.Flag == name })
		if i < 0 {
			l.fault("", "unknown flag --"+name)
			continue
		}
		l.set(l.order[i], flags[name], "--"+name)
	}
}

// setDataDir completes the one default that depends on the user, and makes the path independent of the working directory.
func (l *loader) setDataDir(c *Config, env environ) {
	if c.Data == "" {
		switch {
		case filepath.IsAbs(env.dataHome): // the XDG specification says to ignore a relative one
			c.Data = filepath.Join(env.dataHome, "sockgate")
		case env.home != "":
			c.Data = filepath.Join(env.home, ".local", "share", "sockgate")
		default:
			l.fault("", "data: there is no home directory to keep state in; say where with --data DIR or SOCKGATE_DATA")
			return
		}
	}
	if strings.HasPrefix(c.Data, "~") {
		return // validation says why not
	}
	abs, err := filepath.Abs(c.Data)
	if err != nil {
		l.fault(l.origins["data"], "data: "+err.Error())
		return
	}
	c.Data = abs
	if c.Logs.Dir == "" {
		c.Logs.Dir = filepath.Join(abs, "logs")
	}
}

// naming is the start of a fault: the setting's key, unless the origin names the setting already.
func (s *Setting) naming(origin string) string {
	if origin == s.Env || (s.Flag != "" && origin == "--"+s.Flag) {
		return ""
	}
	return s.Key + ": "
}

// quote shows a faulty value, unless it may be secret.
func quote(s *Setting, text string) string {
	if _, secret := s.target.(*Secret); secret || s.check == "natsURL" {
		return "the value"
	}
	const most = 80
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return `"` + text + `"`
}
