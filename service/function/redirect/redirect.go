// Package redirect leads a program's AWS calls to the gateway, also those that name an amazonaws.com host in their code, such
// as https://{apiId}.execute-api.{region}.amazonaws.com/{stage}. It holds two small files that Node.js and Python load before
// the program: they change where a connection goes, and nothing of what is said over it, so that Host, path and signature
// stay as they were and TLS is TLS, with a certificate of the gateway's local authority.
//
// It is for Node.js and Python, and for what ends in their own sockets: http, https, fetch, the AWS SDKs and ws there;
// http.client, urllib3, requests, botocore, asyncio and aiohttp here. Programs in other languages are led by AWS_ENDPOINT_URL
// alone. It is no barrier: a program can connect to wherever it likes.
package redirect

import (
	"embed"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
)

//go:embed redirect.js sitecustomize.py
var files embed.FS

// The files' names in the directory they are extracted to. Python loads its one by itself, from a directory in PYTHONPATH.
const (
	NodeFile   = "redirect.js"
	PythonFile = "sitecustomize.py"
)

// The variables that the files read: "host:port" of the gateway, and the file with its authority's certificate.
const (
	addressVariable   = "SOCKGATE_REDIRECT"
	authorityVariable = "SOCKGATE_REDIRECT_CA"
)

// Extract writes the files into dir, which is made when missing. Each file is replaced as a whole.
func Extract(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range []string{NodeFile, PythonFile} {
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		temporary, err := os.CreateTemp(dir, name+".*")
		if err != nil {
			return err
		}
		_, err = temporary.Write(content)
		if err == nil {
			err = temporary.Chmod(0o644)
		}
		if closeErr := temporary.Close(); err == nil {
			err = closeErr
		}
		if err == nil {
			err = os.Rename(temporary.Name(), filepath.Join(dir, name))
		}
		if err != nil {
			os.Remove(temporary.Name())
			return err
		}
	}
	return nil
}

// Target returns the variables that tell the files where the gateway is. endpoint is its URL, caFile the certificate of its
// local authority, which must exist. Without it ("") Python programs refuse the gateway's certificate for names led to it.
func Target(endpoint, caFile string) (map[string]string, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Hostname() == "" {
		return nil, fmt.Errorf("the endpoint %q is not a URL with a host", endpoint)
	}
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	vars := map[string]string{addressVariable: net.JoinHostPort(u.Hostname(), port)}
	if caFile != "" {
		vars[authorityVariable] = caFile
		vars["NODE_EXTRA_CA_CERTS"] = caFile
	}
	return vars, nil
}

// Env returns the entries to add to a program's environment so that its AWS calls are led to endpoint. dir holds the files
// (see Extract). environ is the environment that it would have otherwise: its NODE_OPTIONS and PYTHONPATH are kept behind ours,
// the authorities of its SSL_CERT_FILE beside ours, its AWS_ENDPOINT_URL is replaced.
func Env(dir, endpoint, caFile string, environ []string) ([]string, error) {
	vars, err := Target(endpoint, caFile)
	if err != nil {
		return nil, err
	}
	vars["AWS_ENDPOINT_URL"] = endpoint
	vars["NODE_OPTIONS"] = "--require " + quote(filepath.Join(dir, NodeFile))
	vars["PYTHONPATH"] = dir
	if value := lookup(environ, "NODE_OPTIONS"); value != "" {
		vars["NODE_OPTIONS"] += " " + value
	}
	if value := lookup(environ, "PYTHONPATH"); value != "" {
		vars["PYTHONPATH"] += string(os.PathListSeparator) + value
	}
	if caFile != "" {
		bundle := filepath.Join(dir, bundleFile)
		if err := writeBundle(bundle, caFile, lookup(environ, "SSL_CERT_FILE")); err != nil {
			return nil, err
		}
		for _, name := range bundleVariables {
			vars[name] = bundle
		}
		if value := lookup(environ, "NODE_EXTRA_CA_CERTS"); value != "" {
			vars["NODE_EXTRA_CA_CERTS"] = filepath.Join(dir, nodeBundleFile)
			if err := writeBundle(vars["NODE_EXTRA_CA_CERTS"], caFile, value); err != nil {
				return nil, err
			}
		}
	}
	list := make([]string, 0, len(vars))
	for name, value := range vars {
		list = append(list, name+"="+value)
	}
	return list, nil
}

// bundleVariables name what is trusted: by Go, Ruby and OpenSSL; by AWS's SDKs and CLI; by curl; and by Python's requests.
var bundleVariables = []string{"SSL_CERT_FILE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"}

// bundleFile holds the system's authorities and the gateway's.
const bundleFile = "ca-bundle.pem"

// nodeBundleFile holds the authorities that Node.js was to trust besides its own, and the gateway's.
const nodeBundleFile = "node-ca-bundle.pem"

// systemBundles is where systems keep their authorities. Source: crypto/x509, root_linux.go and root_bsd.go.
var systemBundles = []string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/tls/cacert.pem", "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// writeBundle writes the gateway's authority, and those that a program would trust otherwise: theirs, or the system's.
func writeBundle(path, caFile, theirs string) error {
	all, err := os.ReadFile(caFile)
	if err != nil {
		return err
	}
	otherwise := systemBundles
	if theirs != "" {
		otherwise = []string{theirs}
	}
	for _, system := range otherwise {
		if pem, err := os.ReadFile(system); err == nil {
			all = append(append(all, '\n'), pem...)
			break
		}
	}
	return os.WriteFile(path, all, 0o644)
}

// lookup returns the last value, as programs see it.
func lookup(environ []string, name string) string {
	for i := len(environ) - 1; i >= 0; i-- {
		entry := environ[i]
		if len(entry) > len(name) && entry[len(name)] == '=' && entry[:len(name)] == name {
			return entry[len(name)+1:]
		}
	}
	return ""
}

// quote writes a path as NODE_OPTIONS needs it: in quotes, with quotes and backslashes escaped.
func quote(path string) string {
	quoted := []byte{'"'}
	for _, c := range []byte(path) {
		if c == '"' || c == '\\' {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, c)
	}
	return string(append(quoted, '"'))
}
