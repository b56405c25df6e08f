package gatewaytest

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// names turns the ids in a story's output into names, so that a story reads the same every time.
type names struct {
	mu       sync.Mutex
	byID     map[string]string
	requests int
}

func newNames() *names { return &names{byID: map[string]string{}} }

// call gives an id its name.
func (n *names) call(id, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.byID[id] = name
}

// id returns the id that has this name.
func (n *names) id(name string) (string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, of := range n.byID {
		if of == name {
			return id, nil
		}
	}
	return "", fmt.Errorf("the id of %s is not known: its $connect must map context.connectionId to a header connectionId", name)
}

// longID is the form of connection and request ids, also in a URL, between characters that could not belong to longer base64
// or to a header line in a log.
var longID = regexp.MustCompile(`(^|[^A-Za-z0-9_+-])([A-Za-z0-9_-]{15})(=|%3D)($|[^A-Za-z0-9=])`)

// show replaces every id in text by its name. Ids that have none yet become R1, R2, ...
func (n *names) show(text string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	for range 2 { // twice, as two ids may share the character between them
		text = longID.ReplaceAllStringFunc(text, func(found string) string {
			m := longID.FindStringSubmatch(found)
			id := m[2] + "="
			if n.byID[id] == "" {
				n.requests++
				n.byID[id] = fmt.Sprintf("R%d", n.requests)
			}
			return m[1] + n.byID[id] + m[4]
		})
	}
	for id, name := range n.byID { // the ids of APIs, which have no form of their own
		if len(id) < 16 {
			text = strings.ReplaceAll(text, id, name)
		}
	}
	return text
}
