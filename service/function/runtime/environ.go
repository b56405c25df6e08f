package runtime

import (
	"crypto/rand"
	"encoding/hex"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/sockgate/sockgate"
)

// place is where a process finds things: on the machine, or in its own view of it.
type place struct {
	task   string   // code
	run    string   // bootstraps
	layers []string // what Lambda merges into /opt
	shared string   // packages for all functions; see New
	ca     string   // Config.CAFile
}

// markName is the variable whose value no two processes share.
const markName = "AWS_LAMBDA_LOG_STREAM_NAME"

// logStream names a process's part of the log as Lambda does: "2024/01/31/[$LATEST]0123…".
func logStream(now time.Time, version string) string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	return now.UTC().Format("2006/01/02") + "/[" + version + "]" + hex.EncodeToString(random[:])
}

// environment returns the variables of a process, in three layers: defaults that the function's configuration may replace,
// the configuration, and what Lambda reserves. Nothing comes from the gateway's own environment.
//
// Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
func (p *Pools) environment(s *Spec, i *interpreter, at place, stream, api string, keys sockgate.Credentials) []string {
	vars := defaults(s, i, at)
	endpoint := p.endpoint()
	if endpoint != "" {
		vars["AWS_ENDPOINT_URL"] = endpoint
	}
	for service, url := range p.config.Endpoints {
		vars["AWS_ENDPOINT_URL_"+service] = url
	}
	for name, value := range s.Env {
		vars[name] = value
	}
	reserved := map[string]string{
		"_HANDLER":                        s.Handler,
		"AWS_DEFAULT_REGION":              p.config.Region,
		"AWS_REGION":                      p.config.Region,
		"AWS_LAMBDA_FUNCTION_NAME":        s.FunctionName,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(s.memoryMB()),
		"AWS_LAMBDA_FUNCTION_VERSION":     s.Version,
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       s.logGroup(),
		markName:                          stream,
		"AWS_LAMBDA_RUNTIME_API":          api,
		"LAMBDA_TASK_ROOT":                at.task,
		"LAMBDA_RUNTIME_DIR":              at.run,
	}
	if i.path != "" || s.Runtime == "go1.x" { // not defined for the provided runtimes
		reserved["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + s.Runtime
	}
	if keys.AccessKeyID != "" {
		reserved["AWS_ACCESS_KEY_ID"] = keys.AccessKeyID
		reserved["AWS_SECRET_ACCESS_KEY"] = keys.SecretAccessKey
		reserved["AWS_SESSION_TOKEN"] = keys.SessionToken
	}
	for name, value := range p.redirection(endpoint, at) {
		reserved[name] = value
	}
	for name, value := range reserved {
		vars[name] = value
	}
	list := make([]string, 0, len(vars))
	for name, value := range vars {
		if name != "" && !strings.ContainsAny(name, "=\x00") && !strings.Contains(value, "\x00") {
			list = append(list, name+"="+value)
		}
	}
	return list
}

// defaults are the variables that a function's configuration may replace.
func defaults(s *Spec, i *interpreter, at place) map[string]string {
	path := []string{"/usr/local/bin", "/usr/bin", "/bin"}
	if i.prefix != "" && filepath.Join(i.prefix, "bin") != path[1] {
		path = append([]string{filepath.Join(i.prefix, "bin")}, path...)
	}
	libraries := []string{at.task, filepath.Join(at.task, "lib")}
	var node, python []string
	for _, layer := range at.layers {
		path = append(path, filepath.Join(layer, "bin"))
		libraries = append(libraries, filepath.Join(layer, "lib"))
		node = append(node, filepath.Join(layer, "nodejs", "node"+strconv.Itoa(i.major), "node_modules"), filepath.Join(layer, "nodejs", "node_modules"))
		_, version := family(s.Runtime)
		python = append(python, filepath.Join(layer, "python", "lib", "python"+version, "site-packages"), filepath.Join(layer, "python"))
	}
	vars := map[string]string{
		"LANG":            "en_US.UTF-8",
		"TZ":              ":UTC",
		"PATH":            strings.Join(path, ":"),
		"LD_LIBRARY_PATH": strings.Join(libraries, ":"),
	}
	switch {
	case i.major != 0:
		node = append(node, filepath.Join(at.shared, "node_modules"))
		vars["NODE_PATH"] = strings.Join(append(append(node, i.packages...), at.run, at.task), ":")
	case i.path != "":
		vars["PYTHONPATH"] = strings.Join(append(python, at.run), ":")
	}
	return vars
}
