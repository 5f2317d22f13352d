//go:build linux

// Package rig is what the benchmarks of sensing stand on: the real server as a child process whose CPU time and memory can
// be read, and a client for HTTP/1.1 that costs the machine little, since client and server share its cores.
//
// It measures nothing by itself and hides no error: a benchmark whose server or client misbehaves must fail.
package rig
