package registry

import (
	"context"
	"encoding/json"

	"hadron/runtime/function"
)

// Store keeps the index. Errors other than the sentinels named here are failures
// of the storage itself. Values that go in and come out are not modified by either side.
type Store interface {
	// Load reads functions in one consistent view: those named, deleted ones
	// included and unknown ones left out, or without names all that exist, by name.
	Load(ctx context.Context, names ...function.Name) (Snapshot, error)
	// Versions reads versions of one function, newest first, removed ones included;
	// none is no error.
	Versions(ctx context.Context, q VersionQuery) ([]function.Version, error)
	// Content reads the asked parts of one version, or ErrVersionNotFound, also
	// where it was removed.
	Content(ctx context.Context, id function.ID, parts ...Part) (Content, error)
	// Changes reads the log of writes.
	Changes(ctx context.Context, f ChangeFilter) ([]Change, error)
	// Count returns how many functions there are under a prefix of names, and how many
	// versions they have that were not removed.
	Count(ctx context.Context, prefix string) (functions, versions int, err error)
	// Commit writes all of c or nothing, and returns the change's cursor: cursors
	// grow in the order of commits. It returns ErrConflict where the function's
	// revision is not c.Expect, ErrVersionNotFound where an alias names a version
	// that is not there, and ErrStale where what is beside it was overtaken. A version
	// that an alias names is not removed: that is an error.
	Commit(ctx context.Context, c Commit) (cursor int64, err error)
}

// Snapshot is functions as of one change.
type Snapshot struct {
	Cursor  int64 // of the last change in it
	Records []Record
}

// Record is one function as it is stored. The zero Revision is a function that
// never was; a deleted one keeps Latest, so that no version number is used again.
type Record struct {
	Function function.Function
	Revision int64 // cursor of the last change to it
	Deleted  bool
	Lived    []int // versions that live pointed at whole, latest last; what rollback goes back over
}

func (r Record) exists() bool { return r.Revision > 0 && !r.Deleted }

// VersionQuery selects versions of one function: one by Number, those whose
// digest starts with Digest, or, with neither, a page below Before (0: from the newest).
type VersionQuery struct {
	Name   function.Name
	Number int
	Digest string
	Before int
	Limit  int  // over 0
	Kept   bool // only those that were not removed
}

// Part is one of the texts that a version consists of.
type Part string

// The parts.
const (
	PartSource    Part = "source"     // as uploaded
	PartSourceMap Part = "source_map" // of the upload to the author's files
	PartCode      Part = "code"       // what the engine runs
	PartMap       Part = "map"        // of Code to the author's files
)

// Parts lists every part.
var Parts = []Part{PartSource, PartSourceMap, PartCode, PartMap}

// Content is what a version consists of; parts that were not asked for or are empty are absent.
type Content struct {
	Parts    map[Part][]byte
	Builder  string
	Manifest json.RawMessage // of a function.Manifest, defaults filled in, as of registration
	Authored json.RawMessage // the author's own manifest
}

// NewVersion is a version to be stored.
type NewVersion struct {
	Version function.Version
	Content Content
}

// Commit is one write: the function as it will be, what is new with it, and the
// change that tells of it.
type Commit struct {
	Expect  int64       // the revision that was read; 0 for a function that never was
	Next    Record      // Revision is the Store's to give
	Version *NewVersion // nil: none is new
	Aliases []function.Alias
	Removed []int  // versions whose content goes, and whose metadata stays
	Change  Change // Cursor is the Store's to give
	// Beside is written in the same transaction; the Store knows its type. The registry
	// only passes it on.
	Beside any
}
