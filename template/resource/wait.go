package resource

import (
	"context"
	"fmt"
	"time"
)

const (
	// patience is how long a resource may take to become ready.
	patience = 2 * time.Minute
	// firstPause is the time between the first two questions; it doubles up to lastPause.
	firstPause = 10 * time.Millisecond
	lastPause  = time.Second
)

// wait asks until the answer is yes.
func wait(ctx context.Context, what string, ready func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		ok, err := ready()
		if err != nil || ok {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w", what, ctx.Err())
		case <-time.After(pause):
		}
	}
}
