package registry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"unicode/utf8"

	"hadron/runtime/function"
)

// Registration is a version to be made.
type Registration struct {
	By        string // who asks, for the audit trail
	Name      function.Name
	Source    string
	SourceMap string
	Manifest  []byte // the author's own JSON; empty for the empty manifest
	Message   string
	Origin    function.Origin
	Alias     string // points at the version, whole; empty for none
}

// Registered tells what came of it.
type Registered struct {
	Version  function.Version
	Created  bool // false: a version of this digest was there, and nothing new was made
	Previous int  // version that live last pointed at whole before; 0 for none
	Function function.Function
}

// Register stores a version unless one of the same digest is there. The first
// version of a function points live at itself. An alias that is asked for points
// at the version afterwards, new or not. A refusal leaves nothing behind.
//
// Errors: *function.NameError, *function.ManifestError, function.ErrAlias,
// ErrSource, ErrTooLarge, ErrTooMany, ErrOrigin, and those of the Builder and of Admit.
func (r *Registry) Register(ctx context.Context, g Registration) (Registered, error) {
	manifest, digest, err := r.check(g)
	if err != nil {
		return Registered{}, err
	}
	// Building takes long, so it happens before the write: a rollback never waits for a compiler.
	var built *function.Bundle
	for {
		if built == nil {
			if built, err = r.buildUnlessKnown(ctx, g, manifest, digest); err != nil {
				return Registered{}, err
			}
		}
		var out Registered
		if aside := r.cfg.Aside(ctx, func() {
			out, err = r.register(ctx, g, manifest, digest, built)
		}); aside != nil {
			return Registered{}, fmt.Errorf("store %s: %w", g.Name, aside)
		}
		if errors.Is(err, errNotBuilt) {
			continue // deleted since the look
		}
		return out, err
	}
}

var errNotBuilt = errors.New("version is gone and was not built")

func (r *Registry) check(g Registration) (function.Manifest, string, error) {
	none := function.Manifest{}
	if _, err := function.ParseName(string(g.Name)); err != nil {
		return none, "", err
	}
	if g.Alias != "" && !function.ValidAlias(g.Alias) {
		return none, "", function.Alias{Name: g.Alias}.Validate()
	}
	if n := len(g.Source) + len(g.SourceMap); n > r.cfg.MaxSource {
		return none, "", fmt.Errorf("source of %s: %w: %d bytes with its source map; this server takes %d", g.Name, ErrTooLarge, n, r.cfg.MaxSource)
	}
	if len(g.Message) > MaxMessage {
		return none, "", fmt.Errorf("message of %s: %w: at most %d bytes", g.Name, ErrTooLarge, MaxMessage)
	}
	if !validOrigin(g.Origin) {
		return none, "", fmt.Errorf("origin of %s: %w", g.Name, ErrOrigin)
	}
	// Encoding for the digest would make different malformed texts equal.
	if !utf8.ValidString(g.Source) {
		return none, "", fmt.Errorf("source of %s: %w", g.Name, ErrSource)
	}
	manifest, err := function.ParseManifest(g.Manifest)
	if err != nil {
		return none, "", err
	}
	if manifest.Name != "" && manifest.Name != string(g.Name) {
		return none, "", &function.ManifestError{Key: "name", Problem: fmt.Sprintf("is %s, but the function is being registered as %s", manifest.Name, g.Name)}
	}
	if err := manifest.Limits.Within(r.cfg.MaxLimits); err != nil {
		return none, "", err
	}
	digest, err := function.Digest(g.Source, g.Manifest)
	if err != nil {
		return none, "", err
	}
	// What is handed out now is what the Store will read back.
	manifest, err = settle(manifest)
	return manifest, digest, err
}

var commitPattern = regexp.MustCompile(`^([0-9a-f]{7,64})?$`)

const maxTool = 64

func originOf(o function.Origin) *function.Origin {
	if o == (function.Origin{}) {
		return nil
	}
	return &o
}

func validOrigin(o function.Origin) bool {
	return len(o.Tool) <= maxTool && utf8.ValidString(o.Tool) && commitPattern.MatchString(o.Commit)
}

func settle(m function.Manifest) (function.Manifest, error) {
	b, err := json.Marshal(m)
	if err != nil {
		return function.Manifest{}, fmt.Errorf("encode manifest: %w", err)
	}
	var out function.Manifest
	if err := json.Unmarshal(b, &out); err != nil {
		return function.Manifest{}, fmt.Errorf("decode manifest: %w", err)
	}
	return out, nil
}

func (r *Registry) buildUnlessKnown(ctx context.Context, g Registration, m function.Manifest, digest string) (*function.Bundle, error) {
	_, err := r.byDigest(ctx, g.Name, digest)
	if !errors.Is(err, ErrVersionNotFound) {
		return nil, err
	}
	if err := acquire(ctx, r.builds); err != nil {
		return nil, err
	}
	defer release(r.builds)
	b, err := r.cfg.Builder.Build(ctx, Source{Name: g.Name, Source: g.Source, SourceMap: g.SourceMap, Manifest: m})
	if err != nil {
		return nil, fmt.Errorf("build %s: %w", g.Name, err)
	}
	return &b, nil
}

func (r *Registry) register(ctx context.Context, g Registration, m function.Manifest, digest string, built *function.Bundle) (Registered, error) {
	var out Registered
	rec, err := r.write(ctx, g.Name, func(cur Record) (*edit, error) {
		out = Registered{Previous: cur.Function.SpecOf}
		v, err := r.byDigest(ctx, g.Name, digest)
		switch {
		case err == nil:
			out.Version = v
			return r.pointAt(ctx, cur, v, g)
		case !errors.Is(err, ErrVersionNotFound):
			return nil, err
		case built == nil:
			return nil, errNotBuilt
		}
		if err := r.admit(ctx, Admission{By: g.By, Name: g.Name, New: !cur.exists(), Manifest: m}); err != nil {
			return nil, err
		}
		e, err := r.create(cur, g, m, digest, built)
		if err != nil {
			return nil, err
		}
		out.Version, out.Created = e.version.Version, true
		for _, name := range aliasesOf(cur, g) {
			if name == function.Live {
				e.kind = KindDeployed
			}
			old, _ := cur.Function.Alias(name)
			if err := e.put(function.Alias{Name: name, Weights: whole(e.points), Sticky: old.Sticky}); err != nil {
				return nil, err
			}
		}
		return e, nil
	})
	if err != nil {
		return Registered{}, err
	}
	out.Function = rec.Function
	return out, nil
}

func (r *Registry) admit(ctx context.Context, a Admission) error {
	if r.cfg.Admit == nil {
		return nil
	}
	return r.cfg.Admit(ctx, a)
}

// aliasesOf lists the aliases that a new version gets.
func aliasesOf(cur Record, g Registration) []string {
	switch {
	case cur.exists() && g.Alias == "":
		return nil
	case cur.exists() || g.Alias == function.Live:
		return []string{g.Alias}
	case g.Alias == "":
		return []string{function.Live}
	}
	return []string{function.Live, g.Alias}
}

// pointAt is what is left to do where the version is there already.
func (r *Registry) pointAt(ctx context.Context, cur Record, v function.Version, g Registration) (*edit, error) {
	if g.Alias == "" {
		return nil, nil
	}
	old, _ := cur.Function.Alias(g.Alias)
	if old.Whole() == v.ID.Version {
		return nil, nil
	}
	kind := KindRepointed
	if g.Alias == function.Live {
		kind = KindDeployed
	}
	return r.repoint(ctx, begin(cur, kind, g.By, g.Message), function.Alias{Name: g.Alias, Weights: whole(v.ID.Version), Sticky: old.Sticky})
}

func (r *Registry) create(cur Record, g Registration, m function.Manifest, digest string, built *function.Bundle) (*edit, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	now := r.now()
	e := begin(cur, KindRegistered, g.By, g.Message)
	f := &e.next.Function
	f.Latest++
	if !cur.exists() {
		f.CreatedAt = now
	}
	e.points, e.digest = f.Latest, digest
	e.version = &NewVersion{
		Version: function.Version{
			ID: function.ID{Name: g.Name, Version: f.Latest}, Digest: digest, Manifest: m,
			Author: g.By, Message: g.Message, Origin: originOf(g.Origin), Size: len(g.Source), CreatedAt: now,
		},
		Content: Content{
			Parts: map[Part][]byte{
				PartSource: []byte(g.Source), PartSourceMap: []byte(g.SourceMap), PartCode: built.Code, PartMap: built.Map,
			},
			Builder: built.Builder, Manifest: text, Authored: g.Manifest,
		},
	}
	e.known = append([]function.Version{e.version.Version}, e.known...)
	return e, nil
}
