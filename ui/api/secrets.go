package api

import (
	"context"
	"net/http"

	"hadron/runtime/access"
	"hadron/runtime/tenant"
	"hadron/ui/wire"
)

// maxSecretBody holds the largest secret, each byte of it escaped.
const maxSecretBody = 6*tenant.MaxSecret + 1<<10

func (a *api) addSecrets() {
	for _, of := range []struct{ path, id, word string }{{teamPath, "Team", "team"}, {projectPath, "Project", "project"}} {
		add(a, route{
			method: http.MethodGet, path: of.path + "/secrets", id: "list" + of.id + "Secrets", tag: "secrets",
			summary: "List a " + of.word + "'s secrets", detail: "By name, without their values: nothing reads those back.",
			action: access.Read, scope: ofScope,
		}, a.listSecrets)
		add(a, route{
			method: http.MethodPut, path: of.path + "/secrets/{secret}", id: "put" + of.id + "Secret", tag: "secrets",
			summary: "Set or rotate a secret",
			detail:  "Functions that list it get the new value with every VM made from the answer on; VMs that serve a call finish it with the old one.",
			action:  access.Deploy, scope: ofScope, body: wire.PutSecret{}, status: http.StatusOK,
		}, a.putSecret)
		add(a, route{
			method: http.MethodDelete, path: of.path + "/secrets/{secret}", id: "delete" + of.id + "Secret", tag: "secrets",
			summary: "Delete a secret", detail: "409 secret_in_use where a function that an alias reaches lists it, unless force=true.",
			action: access.Deploy, scope: ofScope, status: http.StatusNoContent,
		}, a.deleteSecret)
	}
	add(a, route{
		method: http.MethodPost, path: Prefix + "/secrets/rekey", id: "rekeySecrets", tag: "secrets",
		summary: "Seal all secrets with the current key",
		detail:  "Those that a key of secrets.old_key_files had sealed. What is interrupted goes on when it is asked again.",
		action:  access.Administer, scope: ofSystem, status: http.StatusOK,
	}, a.rekey)
}

func (a *api) listSecrets(ctx context.Context, c *call, in *page) (*jsonOut[wire.List[wire.Secret]], error) {
	if err := available(a.cfg.Secrets != nil); err != nil {
		return nil, err
	}
	limit := in.limit()
	list, err := a.cfg.Secrets.List(ctx, c.of(), in.Cursor, limit+1)
	if err != nil {
		return nil, err
	}
	out := wire.List[wire.Secret]{Items: []wire.Secret{}}
	if len(list) > limit {
		list = list[:limit]
		out.Next = list[limit-1].Name
	}
	for _, s := range list {
		out.Items = append(out.Items, secretView(s))
	}
	return ok(out)
}

type secretIn struct {
	Secret string `path:"secret" maxLength:"128"`
}

func (a *api) putSecret(ctx context.Context, c *call, in *secretIn) (*jsonOut[wire.Secret], error) {
	if err := available(a.cfg.Secrets != nil && a.cfg.Teams != nil); err != nil {
		return nil, err
	}
	var body wire.PutSecret
	if err := decode(c, maxSecretBody, &body); err != nil {
		return nil, err
	}
	if err := a.cfg.Teams.Enter(c.principal, c.of()); err != nil {
		return nil, err
	}
	if err := a.cfg.Teams.Make(ctx, c.principal.Name, c.of()); err != nil {
		return nil, err
	}
	s, err := a.cfg.Secrets.Set(ctx, c.principal.Name, c.of(), in.Secret, body.Value)
	if err != nil {
		return nil, err
	}
	return ok(secretView(s))
}

type deleteSecretIn struct {
	Secret string `path:"secret" maxLength:"128"`
	Force  bool   `query:"force" doc:"Also where functions list it; they go without."`
}

func (a *api) deleteSecret(ctx context.Context, c *call, in *deleteSecretIn) (*empty, error) {
	if err := available(a.cfg.Secrets != nil); err != nil {
		return nil, err
	}
	if err := a.cfg.Secrets.Delete(ctx, c.principal.Name, c.of(), in.Secret, in.Force); err != nil {
		return nil, err
	}
	return &empty{}, nil
}

func (a *api) rekey(ctx context.Context, c *call, _ *empty) (*jsonOut[wire.Rekeyed], error) {
	if err := available(a.cfg.Secrets != nil); err != nil {
		return nil, err
	}
	moved, err := a.cfg.Secrets.Rekey(ctx, c.principal.Name)
	if err != nil {
		return nil, err
	}
	return ok(wire.Rekeyed{KeyID: a.cfg.Secrets.KeyID(), Moved: moved})
}

func secretView(s tenant.Secret) wire.Secret {
	return wire.Secret{
		Scope: string(s.Scope), Name: s.Name, Version: s.Version, KeyID: s.KeyID,
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, UpdatedBy: s.UpdatedBy,
	}
}
