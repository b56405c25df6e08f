package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/sockgate/sockgate/template/resource/wire"
)

const (
	stacksPath = "/_sockgate/stacks"
	service    = "sockgate"
	// lease is how long a lock outlives who holds it; it is renewed every third of it.
	lease = 12 * time.Second
	// lockPatience is how long a deploy waits for another of the same stack.
	lockPatience = 2 * time.Minute
	lockPause    = 250 * time.Millisecond
)

// Summary is what is known of a stack without its document.
type Summary struct {
	Name    string
	Status  string
	Exports map[string]string
	Imports []string
}

// Place is where a gateway says that it is.
type Place struct{ Account, Region string }

// List returns all stacks, and the account and region that the gateway plays.
func List(ctx context.Context, c *wire.Client) ([]Summary, Place, error) {
	answer, err := c.REST(ctx, service, http.MethodGet, stacksPath, nil)
	if err != nil {
		return nil, Place{}, err
	}
	var list struct {
		Stacks          []Summary
		Account, Region string
	}
	err = convert(answer, &list)
	return list.Stacks, Place{list.Account, list.Region}, err
}

// convert reads a tree into a value.
func convert(tree, to any) error {
	b, err := json.Marshal(tree)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := dec.Decode(to); err != nil {
		return fmt.Errorf("read the stack: %w", err)
	}
	return nil
}

// Read returns a stack's document and revision, or nil and 0 when there is no such stack.
func Read(ctx context.Context, c *wire.Client, name string) (*Document, uint64, error) {
	answer, err := c.REST(ctx, service, http.MethodGet, stacksPath+"/"+name, nil)
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Status == http.StatusNotFound {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	revision, err := strconv.ParseUint(wire.Text(answer, "revision"), 10, 64)
	if err != nil {
		return nil, 0, fmt.Errorf("read the stack: %w", err)
	}
	d := &Document{}
	if err := convert(answer["document"], d); err != nil {
		return nil, 0, err
	}
	if d.Resources == nil {
		d.Resources = map[string]*Record{}
	}
	return d, revision, nil
}

// held is a lock that this process holds, and the document under it.
//
// Changes to the document are made under mu; write then makes them durable. Writes that wait for one another are joined: a write covers
// every change that was made before it began.
type held struct {
	client  *wire.Client
	name    string
	token   string
	imports []string

	mu       sync.Mutex
	doc      *Document
	changes  uint64 // made so far
	written  uint64 // of those, durable
	revision uint64
	failed   error // no more writes: the document is not ours any longer, or cannot be written
	writing  sync.Mutex

	stop func()
	done chan struct{}
}

// lock takes the lock of a stack, waiting for another deploy to end, and reads its document.
func lock(ctx context.Context, c *wire.Client, name, owner string, note func(string)) (*held, error) {
	h := &held{client: c, name: name}
	host, _ := os.Hostname()
	began := time.Now()
	broken := ""
	for told := false; ; {
		answer, err := h.callLock(ctx, map[string]any{"owner": owner, "seconds": int(lease.Seconds()), "break": broken})
		if err != nil {
			return nil, err
		}
		if answer["busy"] != true {
			h.token = wire.Text(answer, "token")
			break
		}
		other := wire.Text(answer, "owner")
		if broken == "" && gone(other, host) {
			broken = wire.Text(answer, "token")
			continue
		}
		if !told {
			note("waiting for another deploy of " + name + " (" + other + ")")
			told = true
		}
		if time.Since(began) > lockPatience {
			return nil, fmt.Errorf("stack %s is being deployed by %s", name, other)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(lockPause):
		}
	}
	h.keep(owner)
	var err error
	if h.doc, h.revision, err = Read(ctx, c, name); err != nil {
		h.release()
		return nil, err
	}
	return h, nil
}

// gone reports whether the owner of a lock was a process of this machine that is no more.
func gone(owner, host string) bool {
	rest, ok := strings.CutPrefix(owner, "process ")
	number, on, ok2 := strings.Cut(rest, " on ")
	pid, err := strconv.Atoi(number)
	if !ok || !ok2 || err != nil || on != host || host == "" || pid == os.Getpid() {
		return false
	}
	p, err := os.FindProcess(pid)
	if err != nil {
		return true
	}
	err = p.Signal(syscall.Signal(0))
	return errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH)
}

func (h *held) callLock(ctx context.Context, in map[string]any) (map[string]any, error) {
	return h.client.REST(ctx, service, http.MethodPost, stacksPath+"/"+h.name+"/lock", in)
}

// keep renews the lock until release. A renewal that fails is not the end: the document's revision guards it as well.
func (h *held) keep(owner string) {
	ctx, cancel := context.WithCancel(context.Background())
	h.stop, h.done = cancel, make(chan struct{})
	go func() { // ends with release
		defer close(h.done)
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				answer, err := h.callLock(ctx, map[string]any{"owner": owner, "seconds": int(lease.Seconds()), "token": h.token})
				if err == nil && answer["busy"] == true {
					h.fail(fmt.Errorf("stack %s is now being deployed by %s", h.name, wire.Text(answer, "owner")))
				}
			}
		}
	}()
}

func (h *held) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failed == nil {
		h.failed = err
	}
}

// release gives the lock up.
func (h *held) release() {
	h.stop()
	<-h.done
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_, _ = h.callLock(ctx, map[string]any{"seconds": 0, "token": h.token}) // it runs out by itself
}

// change edits the document and makes it durable.
func (h *held) change(ctx context.Context, edit func(*Document)) error {
	h.note(edit)
	return h.write(ctx)
}

// note edits the document; the next write makes it durable.
func (h *held) note(edit func(*Document)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	edit(h.doc)
	h.changes++
}

// write makes every change so far durable.
func (h *held) write(ctx context.Context) error {
	h.mu.Lock()
	wanted := h.changes
	h.mu.Unlock()
	h.writing.Lock()
	defer h.writing.Unlock()
	h.mu.Lock()
	if h.failed != nil || h.written >= wanted {
		err := h.failed
		h.mu.Unlock()
		return err
	}
	covered := h.changes
	h.doc.Updated = time.Now().UTC()
	document, err := json.Marshal(h.doc)
	body := map[string]any{
		"revision": h.revision, "token": h.token, "status": h.doc.Status, "document": json.RawMessage(document),
		"exports": h.doc.exports(), "imports": h.imports,
	}
	h.mu.Unlock()
	if err != nil {
		return err
	}
	answer, err := h.client.REST(ctx, service, http.MethodPut, stacksPath+"/"+h.name, body)
	if err != nil {
		if wire.Is(err, "ConflictException") && !strings.Contains(err.Error(), "xport") {
			h.fail(err)
		}
		return fmt.Errorf("remember the step: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.written = covered
	h.revision, err = strconv.ParseUint(wire.Text(answer, "revision"), 10, 64)
	return err
}

// forget removes the document.
func (h *held) forget(ctx context.Context) error {
	if h.revision == 0 {
		return nil
	}
	_, err := h.client.REST(ctx, service, http.MethodDelete, stacksPath+"/"+h.name+"?revision="+strconv.FormatUint(h.revision, 10)+"&token="+h.token, nil)
	if e, ok := errors.AsType[*wire.Error](err); ok && e.Status == http.StatusNotFound {
		return nil
	}
	return err
}
