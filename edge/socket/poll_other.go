//go:build !linux

package socket

import (
	"errors"
	"time"
)

// Without a poll every connection keeps its goroutine.
const parks = false

type poll struct{}

func newPoll() (*poll, error) { return nil, errors.ErrUnsupported }

func (*poll) watch(*Conn, uint64) error { return errors.ErrUnsupported }
func (*poll) wait() ([]uint64, error)   { return nil, errors.ErrUnsupported }
func (*poll) until(time.Time)           {}
func (*poll) close()                    {}
