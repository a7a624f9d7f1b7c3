-- +goose Up
-- A token's name is its team's own: one team's must not get in the way of another's.
CREATE TABLE tokens_of_teams (
    team       TEXT    NOT NULL, -- of the scope; empty for the whole installation's
    name       TEXT    NOT NULL,
    hash       TEXT    NOT NULL UNIQUE, -- sha256 of the token, in hex
    role       TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT    NOT NULL,
    expires_at INTEGER NOT NULL, -- 0: never
    used_at    INTEGER NOT NULL DEFAULT 0, -- about; 0: never
    PRIMARY KEY (team, name)
) STRICT, WITHOUT ROWID;

INSERT INTO tokens_of_teams (team, name, hash, role, scope, created_at, created_by, expires_at)
SELECT CASE instr(scope, '/') WHEN 0 THEN scope ELSE substr(scope, 1, instr(scope, '/') - 1) END, name, hash, role, scope, created_at, '', 0 FROM tokens;

DROP TABLE tokens;

ALTER TABLE tokens_of_teams RENAME TO tokens;

CREATE TABLE sessions (
    hash       TEXT    PRIMARY KEY, -- sha256 of the cookie, in hex
    user       TEXT    NOT NULL,
    claims     TEXT    NOT NULL, -- JSON: what the provider said; rights are drawn from it at each look
    token_hash TEXT    NOT NULL, -- of the token signed in with; empty for a provider's
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL -- about
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user, created_at);
