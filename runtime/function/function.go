package function

import "time"

// Version is the metadata of one immutable version.
type Version struct {
	ID        ID
	Digest    string // "sha256:" and 64 hex digits, over canonical source and manifest
	Manifest  Manifest
	Author    string // the principal that registered it
	Message   string
	Origin    *Origin // nil: nothing was said
	Size      int     // bytes of the source as uploaded
	CreatedAt time.Time
	RemovedAt time.Time // when retention removed source and bundle, and left this; zero: they are there
}

// Origin says what registered a version and of which commit, as far as it said so.
type Origin struct {
	Tool   string `json:"tool,omitempty"`   // such as "hadron deploy 1.4.0"
	Commit string `json:"commit,omitempty"` // of git, 7 to 64 hex digits
	Dirty  bool   `json:"dirty,omitempty"`  // the working tree held more than the commit
}

// Function is one function as its consumers see it: metadata only. Versions
// holds those that an alias names, ordered by number.
type Function struct {
	Name      Name
	Latest    int // highest version number
	Aliases   []Alias
	Versions  []Version
	Spec      Manifest // of the version that live last pointed at whole: what objectives, dashboards and alerts come from
	SpecOf    int      // that version's number
	CreatedAt time.Time
	UpdatedAt time.Time
	UpdatedBy string
}

// Alias returns the alias of that name.
func (f Function) Alias(name string) (Alias, bool) {
	for _, a := range f.Aliases {
		if a.Name == name {
			return a, true
		}
	}
	return Alias{}, false
}

// Version returns the metadata of an aliased version.
func (f Function) Version(number int) (Version, bool) {
	for _, v := range f.Versions {
		if v.ID.Version == number {
			return v, true
		}
	}
	return Version{}, false
}

// Bundle is what the engine runs: one JavaScript module in script form, made from
// the source once, at registration, and kept by digest ever after.
type Bundle struct {
	ID       ID
	Code     []byte
	Map      []byte // source map of Code to the author's files
	Builder  string // the bundler and its version
	Manifest Manifest
}
