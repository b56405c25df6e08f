package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/sockgate/sockgate"
	"github.com/sockgate/sockgate/control/lambda"
	"github.com/sockgate/sockgate/edge/domain"
	"github.com/sockgate/sockgate/gateway/authorize"
	"github.com/sockgate/sockgate/service/function"
	"github.com/sockgate/sockgate/service/function/code"
	"github.com/sockgate/sockgate/service/function/runtime"
)

// functionsDir is where functions' code and scratch space are, below the data directory.
const functionsDir = "functions"

// The services that take functions' roles.
const (
	gatewayService = "apigateway.amazonaws.com"
	lambdaService  = "lambda.amazonaws.com"
)

// roleKeyLife is how long the keys of a function's process are good for, the longest that a role's may be.
const roleKeyLife = 12 * time.Hour

// openFunctions reads the functions and makes ready to run them. It starts no process.
func (s *Server) openFunctions(ctx context.Context) error {
	dir := filepath.Join(s.dir.Path(), functionsDir)
	zips, err := code.Open(filepath.Join(dir, "code"))
	if err != nil {
		return fmt.Errorf("open the functions' code: %w", err)
	}
	if s.recorder != nil {
		zips.ShareFiles() // a developer changes a line and waits for it
	}
	f := s.cfg.Functions
	c := runtime.Config{
		MaxConcurrency: f.MaxConcurrency, Idle: f.Idle, Isolation: f.Isolation, Redirect: f.LeadCalls,
		Region: s.cfg.Region, Account: s.cfg.Account,
		CredentialsFor: func(roleARN, session string) (sockgate.Credentials, error) {
			return s.identity.RoleCredentials(roleARN, session, roleKeyLife)
		},
		Logs: s.logs, Dir: dir, Log: s.log,
	}
	if elsewhere := s.cfg.Tables.Endpoint; elsewhere != "" {
		c.Endpoints = map[string]string{"DYNAMODB": elsewhere, "DYNAMODB_STREAMS": elsewhere}
	}
	if f.LeadCalls {
		c.Endpoint, c.CAFile = s.localEndpoint, AuthorityFile(s.dir.Path())
		if _, err := s.authority().Pool(); err != nil { // Python trusts nothing that is not in a file
			return err
		}
	}
	if s.pools, err = runtime.New(c); err != nil {
		return fmt.Errorf("functions: %w", err)
	}
	remotes, err := s.remotes()
	if err != nil {
		return err
	}
	s.functions, err = function.New(function.Config{
		Store: s.store, Code: zips, Runner: s.pools, Account: s.cfg.Account, Region: s.cfg.Region,
		AllowsRole: func(roleARN, action, resource string) error {
			return s.identity.AllowsRole(roleARN, gatewayService, action, resource, nil)
		},
		AllowsCaller: func(p *sockgate.Principal, action, resource string) error {
			return s.identity.Authorize(p, action, []string{resource}, nil)
		},
		Remotes: remotes, MaxConcurrency: f.MaxConcurrency, Log: s.log,
	})
	if err != nil {
		return err
	}
	if err := s.functions.Load(ctx); err != nil {
		return fmt.Errorf("read the functions: %w", err)
	}
	return nil
}

// remotes lists who runs functions elsewhere, the most exact names first.
func (s *Server) remotes() ([]function.Remote, error) {
	f := s.cfg.Functions
	if len(f.Remote) == 0 {
		return nil, nil
	}
	profile := f.RemoteProfile
	if profile == "" {
		profile = "env"
	}
	names := slices.SortedFunc(maps.Keys(f.Remote), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	list := make([]function.Remote, 0, len(names))
	for _, name := range names {
		list = append(list, function.Remote{Function: name, URL: f.Remote[name], Credentials: function.ProfileKeys(profile)})
	}
	return list, nil
}

// closeFunctions lets calls end, or cuts them off when ctx ends, and ends every process.
func (s *Server) closeFunctions(ctx context.Context) error {
	if s.functions != nil {
		s.functions.Drain(ctx)
	}
	if s.pools == nil {
		return nil
	}
	err := s.pools.Close(ctx)
	if errors.Is(err, ctx.Err()) && err != nil {
		s.log.Warn("the grace period ended before every function call did", "error", err)
		return nil
	}
	return err
}

// authorizers asks the authorizers of $connect.
func (s *Server) authorizers() *authorize.Checker {
	c := authorize.Config{Functions: s.functions, Clock: time.Now}
	if s.cfg.Access.JWT {
		c.Tokens = authorize.NewTokens(authorize.TokensConfig{Clock: time.Now})
	}
	return authorize.New(c)
}

// lambdaAPI is the functions' control plane.
func (s *Server) lambdaAPI() *lambda.Service {
	return lambda.New(lambda.Config{
		Functions: s.functions, Account: s.cfg.Account, Region: s.cfg.Region, Endpoint: s.localEndpoint, Clock: time.Now,
		CheckRole: func(roleARN string) error {
			// A role that is not there is one without policies: templates for laptops are full of made-up names.
			if _, there := s.identity.PrincipalOf(roleARN); there && !s.identity.ServiceMayAssume(roleARN, lambdaService) {
				return sockgate.Invalidf("The role defined for the function cannot be assumed by Lambda.")
			}
			return nil
		},
	})
}

// localEndpoint is where programs on this machine find the AWS APIs.
func (s *Server) localEndpoint() string {
	host, port, err := net.SplitHostPort(s.managementAddr.String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// authority is the local certificate authority.
func (s *Server) authority() *domain.LocalCA {
	if s.ca == nil {
		s.ca = domain.NewLocalCA(filepath.Join(s.dir.Path(), caDir), time.Now)
	}
	return s.ca
}
