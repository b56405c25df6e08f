package server_test

import (
	"flag"
	"testing"

	"github.com/sockgate/sockgate/internal/gatewaytest"
)

var update = flag.Bool("update", false, "rewrite what the stories expect")

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// TestStories plays testdata/stories. Package gatewaytest documents their language.
func TestStories(t *testing.T) { gatewaytest.RunStories(t, "testdata/stories", *update) }
