package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/internal/rootkey"
)

// newLog returns the process's log: text for people, JSON for machines.
func newLog(w *os.File, c config.Log) *slog.Logger {
	options := &slog.HandlerOptions{}
	switch c.Level {
	case "debug":
		options.Level = slog.LevelDebug
	case "warn":
		options.Level = slog.LevelWarn
	case "error":
		options.Level = slog.LevelError
	}
	if c.Format == "text" || (c.Format == "auto" && terminal(w)) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// starting says what a user wants to know first: where the gateway is, what it owns, and what to type next.
func starting(c *config.Config) []any {
	credentials := filepath.Join(c.Data, rootkey.FileName)
	command := "AWS_SHARED_CREDENTIALS_FILE=" + credentials + " "
	if c.RootAccessKeyID != "" {
		credentials, command = "configured", ""
	}
	attrs := []any{"listen", c.Listen, "data", c.Data, "credentials", credentials}
	addr := c.Listen
	if c.Listeners.Management != "" {
		addr = c.Listeners.Management
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil || port == "0" { // the port is not known yet
		return attrs
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return append(attrs, "next", command+"AWS_DEFAULT_REGION="+c.Region+
		" aws --endpoint-url http://"+net.JoinHostPort(host, port)+" apigatewayv2 get-apis")
}

// version is the module's version, as the go command stamped it into the program.
func version() string {
	v := "unknown version"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		v = info.Main.Version
	}
	return "sockgate " + v + " (" + runtime.Version() + ", " + runtime.GOOS + "/" + runtime.GOARCH + ")"
}
