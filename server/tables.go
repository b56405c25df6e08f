package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/sockgate/sockgate/control/dynamodb"
	"github.com/sockgate/sockgate/service/table"
	"github.com/sockgate/sockgate/state/datadir"
)

// TablesDir is where tables are kept, below the data directory.
const TablesDir = "tables"

// openTables opens the tables; with a state engine that forgets, theirs does too.
func (s *Server) openTables() (err error) {
	o := table.Options{
		Dir: filepath.Join(s.dir.Path(), TablesDir), Relaxed: s.cfg.Tables.Durability == "relaxed", Clock: time.Now, Log: s.log,
	}
	if s.cfg.State.Engine == "memory" {
		o.FS, o.Dir = vfs.NewMem(), TablesDir
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

// CheckTables compares all that is kept of the tables in a data directory with their items. It calls report for each disagreement and
// returns how many tables and disagreements there are. The error is for a directory that another process holds, or that cannot be read.
func CheckTables(ctx context.Context, dir string, report func(table, problem string)) (tables, problems int, err error) {
	held, err := datadir.Open(dir)
	if err != nil {
		return 0, 0, err
	}
	defer held.Close()
	engine, err := table.Open(table.Options{Dir: filepath.Join(held.Path(), TablesDir), Clock: time.Now})
	if err != nil {
		return 0, 0, err
	}
	problems, err = engine.Check(ctx, report)
	return len(engine.Names()), problems, errors.Join(err, engine.Close())
}
