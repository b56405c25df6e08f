//go:build race

package examples_test

import "os"

// What these tests build is compiled as they are: most of it is in the cache then.
func init() { os.Setenv("GOFLAGS", "-race") }
