package main

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/sockgate/sockgate/config"
)

const description = "A WebSocket API gateway that you run yourself and that speaks Amazon API Gateway's own protocols."

// commands is the grammar of the command line.
type commands struct {
	Serve       serveCommand       `cmd:"" help:"Run the gateway until SIGINT or SIGTERM."`
	Dev         devCommand         `cmd:"" help:"Run a gateway for development: deploy a template, show what happens, watch for changes."`
	Deploy      deployCommand      `cmd:"" help:"Deploy a CloudFormation or SAM template."`
	Run         runCommand         `cmd:"" help:"Run a program whose AWS calls are led to the gateway."`
	CheckTables checkTablesCommand `cmd:"" name:"check-tables" help:"Check the tables of a gateway that is stopped."`
	Link        linkCommand        `cmd:"" help:"Lead calls of VPC links from here to a private backend."`
	LinkToken   linkTokenCommand   `cmd:"" name:"link-token" help:"Make, list and revoke the tokens of \"sockgate link\"."`
	Version     struct{}           `cmd:"" help:"Print the version."`
}

type serveCommand struct {
	Config string `placeholder:"FILE" help:"YAML file with settings. Environment: SOCKGATE_CONFIG."`
}

// Help is what "sockgate serve --help" says before the flags.
func (serveCommand) Help() string {
	return `Every flag is also a variable of the environment, SOCKGATE_LIMITS_IDLE_TIMEOUT for --limits-idle-timeout, and a key of the ` +
		`YAML file, idleTimeout below limits. Flags win over the environment, and the environment over the file.

The root access key comes from SOCKGATE_ROOT_ACCESS_KEY_ID and SOCKGATE_ROOT_SECRET_ACCESS_KEY, or else from the file ` +
		`credentials in the data directory, which the first start writes.

Examples:

    sockgate serve
    sockgate serve --listen :4566 --data /var/lib/sockgate
    sockgate serve --config sockgate.yaml --limits-connection-duration 0s
    SOCKGATE_STATE_ENGINE=memory sockgate serve --listen 127.0.0.1:0`
}

// flags are the settings of the configuration as flags. They are made from its list, so that no setting can be forgotten here.
type flags struct {
	settings []config.Setting
	values   []*kong.Flag // beside settings; nil where a setting has no flag
}

// addTo gives the command of that name a flag for each setting that has one.
func (f *flags) addTo(command string) kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		f.settings = config.Settings()
		for _, node := range k.Model.Children {
			if node.Name != command {
				continue
			}
			for _, s := range f.settings {
				var flag *kong.Flag
				if s.Flag != "" {
					flag = newFlag(s)
					node.Flags = append(node.Flags, flag)
				}
				f.values = append(f.values, flag)
			}
		}
		return nil
	})
}

// given returns the flags that the command line had, as text: the configuration reads values from all of its sources alike.
func (f *flags) given() map[string]string {
	given := map[string]string{}
	for i, flag := range f.values {
		switch {
		case flag == nil || !flag.Set:
		case f.settings[i].Bool:
			given[flag.Name] = strconv.FormatBool(flag.Target.Bool())
		default:
			given[flag.Name] = flag.Target.String()
		}
	}
	return given
}

func newFlag(s config.Setting) *kong.Flag {
	target, mapper := reflect.ValueOf(new(string)).Elem(), kong.Mapper(kong.MapperFunc(takeText))
	if s.Bool {
		target = reflect.ValueOf(new(bool)).Elem()
		mapper = kong.NewRegistry().RegisterDefaults().ForValue(target)
	}
	help := s.Doc
	if s.Shown != s.Default {
		help += " Default: " + s.Shown + "."
	}
	if limits := s.Limits(); limits != "" {
		help += " Values: " + limits + "."
	}
	flag := &kong.Flag{
		Value: &kong.Value{
			Name: s.Flag, Help: help, OrigHelp: help,
			Target: target, DefaultValue: reflect.Zero(target.Type()), Mapper: mapper, Tag: &kong.Tag{},
		},
		PlaceHolder: placeholder(s),
	}
	flag.Value.Flag = flag
	if name, _, nested := strings.Cut(s.Key, "."); nested {
		flag.Group = &kong.Group{Key: name, Title: name + ":"}
	}
	return flag
}

// takeText reads a flag's value as it is. It stands in for kong's own because that speaks of an "EOL" where a value is missing.
func takeText(ctx *kong.DecodeContext, target reflect.Value) error {
	if ctx.Scan.Peek().IsEOL() {
		return errors.New("needs a value")
	}
	return ctx.Scan.PopValueInto("value", target.Addr().Interface())
}

// placeholder shows the default, or else what kind of value it is by the last word of the name.
func placeholder(s config.Setting) string {
	if s.Default != "" {
		return s.Default
	}
	if strings.HasPrefix(s.Key, "listeners.") {
		return "HOST:PORT"
	}
	return strings.ToUpper(s.Flag[strings.LastIndexByte(s.Flag, '-')+1:])
}
