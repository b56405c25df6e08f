package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/sockgate/sockgate/internal/nearest"
)

const (
	envPrefix = "SOCKGATE_"
	// ConfigEnv names the configuration file when no flag does.
	ConfigEnv = envPrefix + "CONFIG"
)

// environ is what of the environment concerns the configuration.
type environ struct {
	config, home, dataHome string
	settings               map[string]string // by name
	unknown                []string          // names, in order
}

// injected matches the variables that Kubernetes gives every container about services whose names begin with "sockgate".
// Nobody wrote them, so they must not stop the gateway.
var injected = regexp.MustCompile(`^SOCKGATE_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// readEnviron sorts the environment without setting anything yet, because the file comes before it.
func (l *loader) readEnviron(pairs []string) environ {
	env := environ{settings: map[string]string{}}
	kubernetes := false
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		if value == "" {
			continue
		}
		switch {
		case name == "HOME":
			env.home = value
		case name == "XDG_DATA_HOME":
			env.dataHome = value
		case name == "KUBERNETES_SERVICE_HOST":
			kubernetes = true
		case name == ConfigEnv:
			env.config = value
		case strings.HasPrefix(name, envPrefix):
			env.settings[name] = value
		}
	}
	for name := range env.settings {
		known := slices.ContainsFunc(l.order, func(s *Setting) bool { return s.Env == name })
		if known {
			continue
		}
		delete(env.settings, name)
		if !kubernetes || !injected.MatchString(name) {
			env.unknown = append(env.unknown, name)
		}
	}
	slices.Sort(env.unknown)
	return env
}

// misspelt returns the variable that name was meant to be, or "" for one that is somebody else's: unlike a file's key, a
// variable need not have been set for the gateway.
func misspelt(name string, names []string) string {
	const typos = 2 // letters that may be wrong, besides underscores
	meant := nearest.Name(name, names)
	if meant == "" || nearest.Distance(name, meant) > typos {
		return ""
	}
	return meant
}

func (l *loader) setEnviron(c *Config, env environ) {
	names := []string{ConfigEnv}
	for _, s := range l.order {
		names = append(names, s.Env)
		if value, ok := env.settings[s.Env]; ok {
			l.set(s, value, s.Env)
		}
	}
	for _, name := range env.unknown {
		if meant := misspelt(name, names); meant != "" {
			l.fault("environment", "unknown variable "+name+nearest.Maybe(meant, ""))
			continue
		}
		c.Ignored = append(c.Ignored, name)
	}
}
