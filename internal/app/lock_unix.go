//go:build unix

package app

import (
	"os"
	"syscall"
)

// lockFile takes the file's lock or fails at once. It goes with the process, however that ends.
func lockFile(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }
