package registry

import "errors"

// What the registry refuses. Malformed names and manifests come as
// *function.NameError and *function.ManifestError, malformed aliases wrap
// function.ErrAlias, and what the Builder refuses passes through.
var (
	ErrNotFound        = errors.New("no such function")
	ErrVersionNotFound = errors.New("no such version")
	ErrVersionRemoved  = errors.New("its source was removed by retention")
	ErrAliasNotFound   = errors.New("no such alias")
	ErrAmbiguous       = errors.New("the digest's beginning fits more than one version; give more digits")
	ErrStale           = errors.New("the alias was changed by somebody else; read it again")
	ErrNoPrevious      = errors.New("live has pointed at no version before this one")
	ErrTooLarge        = errors.New("too large")
	ErrTooMany         = errors.New("too many")
	ErrOrigin          = errors.New("origin: tool is at most 64 characters, commit 7 to 64 lower-case hex digits")
	ErrSource          = errors.New("the source is not UTF-8 text")

	// ErrConflict is a Store's word for a function that was written since it was
	// read. The registry tries again; callers see it only if that does not end.
	ErrConflict = errors.New("the function is being changed by others; try again")
)
