package server

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sockgate/sockgate/control/dynamodb"
	"github.com/sockgate/sockgate/service/table"
)

// tablesDir is where tables are kept, below the data directory.
const tablesDir = "tables"

// openTables opens the tables; with a state engine that forgets, theirs does too.
func (s *Server) openTables() (err error) {
	o := table.Options{
		Dir: filepath.Join(s.dir.Path(), tablesDir), Relaxed: s.cfg.Tables.Durability == "relaxed", Clock: time.Now, Log: s.log,
	}
	if s.cfg.State.Engine == "memory" {
		o.FS, o.Dir = vfs.NewMem(), tablesDir
	}
	if s.tables, err = table.Open(o); err != nil {
		return fmt.Errorf("open the tables: %w", err)
	}
	return nil
}

// runTables keeps time for the tables, until ctx ends.
func (s *Server) runTables(ctx context.Context) error {
	if err := s.tables.Run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}

func (s *Server) tablesAPI() *dynamodb.Service {
	return dynamodb.New(dynamodb.Config{Tables: s.tables, Account: s.cfg.Account, Region: s.cfg.Region, Clock: time.Now})
}
