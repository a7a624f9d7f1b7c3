//go:build !linux

package app

// giveWay does nothing where a thread has no priority of its own.
func giveWay() {}

// AnswerSoon does nothing there either.
func AnswerSoon() error { return nil }
