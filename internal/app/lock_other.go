//go:build !unix

package app

import "os"

// lockFile relies on SQLite's own lock where the system has no flock.
func lockFile(*os.File) error { return nil }
