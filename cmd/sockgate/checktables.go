package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sockgate/sockgate/server"
)

type checkTablesCommand struct {
	Data string `required:"" placeholder:"DIR" help:"Data directory of a gateway that does not run."`
}

// Help is what "sockgate check-tables --help" says before the flags.
func (checkTablesCommand) Help() string {
	return `Reads every item of every table and compares what is kept beside it: index entries, counters, the queue of expiry, change ` +
		`records. Nothing is repaired. A gateway that runs on the directory has to be stopped first; after a crash, the log that it left is ` +
		`replayed, as at its next start.

It ends with 0 when all agrees and with 1 otherwise, after a line for each disagreement.

Example:

    sockgate check-tables --data /var/lib/sockgate`
}

// checkTables carries out "sockgate check-tables".
func checkTables(ctx context.Context, c *checkTablesCommand, out, complaints io.Writer) int {
	if _, err := os.Stat(filepath.Join(c.Data, server.TablesDir)); errors.Is(err, fs.ErrNotExist) {
		complain(complaints, fmt.Errorf("%s holds no tables", c.Data))
		return exitUsage
	}
	tables, problems, err := server.CheckTables(ctx, c.Data, func(table, problem string) {
		fmt.Fprintf(out, "%s: %s\n", table, problem)
	})
	if err != nil {
		complain(complaints, err)
		return exitFailure
	}
	fmt.Fprintf(out, "%d tables, %d problems\n", tables, problems)
	if problems > 0 {
		return exitFailure
	}
	return exitOK
}
