// Command sockgate is a WebSocket API gateway that speaks Amazon API Gateway's own protocols.
//
// It reads flags, loads the configuration and runs the server, or a program beside it; all else is below. Exit codes: 0 for success, 1 for a failure
// while running, 2 for a command line or a configuration that cannot be used.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/config"
	"github.com/sockgate/sockgate/server"
	"github.com/sockgate/sockgate/service/function/runtime/supervise"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	supervise.Main()
	os.Exit(run(os.Args[1:]))
}

// run carries out one command line. Help ends the process by itself.
func run(args []string) int {
	var cli commands
	var settings flags
	parser, err := kong.New(&cli, kong.Name("sockgate"), kong.Description(description),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.KindMapper(reflect.String, kong.MapperFunc(takeText)),
		settings.addTo("serve"))
	if err != nil {
		panic(err) // the grammar is ours
	}
	args, program := splitProgram(args)
	ctx, err := parser.Parse(args)
	if err != nil {
		complain(os.Stderr, err)
		fmt.Fprintf(os.Stderr, "Run \"%s --help\" for the commands and flags there are.\n", usagePath(err))
		return exitUsage
	}
	switch ctx.Selected().Name {
	case "version":
		fmt.Println(version())
		return exitOK
	case "deploy":
		return deploy(&cli.Deploy, os.Stdout, os.Stderr)
	case "link":
		return runLink(&cli.Link)
	case "create", "list", "revoke": // of link-token
		signals, stop := untilSignal(context.Background())
		defer stop()
		return linkTokenExit(signals, &cli.LinkToken, ctx.Selected().Name)
	case "dev":
		return develop(&cli.Dev, program)
	case "run":
		return runProgram(&cli.Run, os.Environ())
	case "check-tables":
		ctx, stop := untilSignal(context.Background())
		defer stop()
		return checkTables(ctx, &cli.CheckTables, os.Stdout, os.Stderr)
	}
	return serve(config.Sources{Flags: settings.given(), Environ: os.Environ(), File: cli.Serve.Config})
}

// splitProgram cuts off the program of "sockgate dev ... -- PROGRAM", which is not to be read as the template.
func splitProgram(args []string) (own, program []string) {
	if len(args) > 0 && args[0] == "dev" {
		if i := slices.Index(args, "--"); i >= 0 {
			return args[:i], args[i+1:]
		}
	}
	return args, nil
}

// serve runs a gateway until a signal ends it.
func serve(from config.Sources) int {
	cfg, err := config.Load(from)
	if err != nil {
		complain(os.Stderr, err)
		return exitUsage
	}
	log := newLog(os.Stderr, cfg.Log)
	ctx, stop := untilSignal(context.Background())
	defer stop()
	log.Info("starting", starting(cfg)...)
	if err := server.Run(ctx, cfg, log); err != nil {
		log.Error("the gateway ended with an error", "error", err)
		if sockgate.KindOf(err) == sockgate.Invalid {
			return exitUsage
		}
		return exitFailure
	}
	return exitOK
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends. The second ends the process at once, for those who
// do not want to wait for the drain.
func untilSignal(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() { // ends with the process or with stop
		if _, ok := <-signals; !ok {
			return
		}
		cancel()
		if _, ok := <-signals; ok {
			os.Exit(exitFailure)
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}

// complain writes an error that has a line for each fault.
func complain(w io.Writer, err error) {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(w, "sockgate: "+strings.TrimSuffix(line, "\n"))
	}
}

// usagePath is the command whose help would have prevented the error.
func usagePath(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil && parse.Context.Selected() != nil {
		return parse.Context.Selected().FullPath()
	}
	return "sockgate"
}
