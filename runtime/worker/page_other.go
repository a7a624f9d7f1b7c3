//go:build !linux

package worker

import (
	"fmt"
	"os"
)

// pageFile is a file that lost its name at once.
func pageFile() (*os.File, error) {
	f, err := os.CreateTemp("", "hadron-status-*")
	if err != nil {
		return nil, fmt.Errorf("make status page: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("make status page: %w", err)
	}
	if err := f.Truncate(pageSize); err != nil {
		f.Close()
		return nil, fmt.Errorf("make status page: %w", err)
	}
	return f, nil
}
