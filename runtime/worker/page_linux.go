package worker

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pageFile is memory without a name.
func pageFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("hadron-status", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make status page: %w", err)
	}
	f := os.NewFile(uintptr(fd), "status")
	if err := f.Truncate(pageSize); err != nil {
		f.Close()
		return nil, fmt.Errorf("make status page: %w", err)
	}
	return f, nil
}
