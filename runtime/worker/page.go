package worker

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// maxStreams is how many calls one worker has at a time, those included that nobody
// waits for any more.
const maxStreams = 4096

// pageSize is that of the status page: a word for each slot of the stream table.
const pageSize = maxStreams * 4

// page is memory that parent and child share, where the child marks the streams
// whose code it runs: what it wrote last is there after its death, however it died.
// The parent takes it for a hint; a lie only costs the liar's own team.
type page struct {
	mem []byte
}

func openPage(f *os.File) (*page, error) {
	mem, err := syscall.Mmap(int(f.Fd()), 0, pageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map status page: %w", err)
	}
	return &page{mem}, nil
}

func (p *page) close() error { return syscall.Munmap(p.mem) }

func (p *page) word(stream uint32) *uint32 {
	return (*uint32)(unsafe.Pointer(&p.mem[slotOf(stream)*4])) //nolint:gosec // aligned, within the page
}

// mark says that code runs for a stream; unmark, that it has ended.
func (p *page) mark(stream uint32)   { atomic.StoreUint32(p.word(stream), stream) }
func (p *page) unmark(stream uint32) { atomic.CompareAndSwapUint32(p.word(stream), stream, 0) }

// marked reports whether code ran for the stream.
func (p *page) marked(stream uint32) bool { return atomic.LoadUint32(p.word(stream)) == stream }

// A stream's number is its slot and how often the slot was used before, so that
// tables are arrays and a late frame finds nobody.
func slotOf(stream uint32) uint32 { return stream % maxStreams }

func streamOf(slot, use uint32) uint32 { return (use*maxStreams + slot) &^ callBit }
