//go:build !linux

package app

// giveWay does nothing where a thread has no priority of its own.
func giveWay() {}
