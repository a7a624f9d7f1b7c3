-- +goose Up
-- Teams, "growth", and projects of them, "growth/signup".
CREATE TABLE teams (
    scope      TEXT    PRIMARY KEY,
    team       TEXT    NOT NULL, -- the team that it is or belongs to
    settings   TEXT    NOT NULL, -- JSON
    revision   INTEGER NOT NULL, -- cursor of the last change to it
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Those of functions that were there before teams were.
INSERT INTO teams (scope, team, settings, revision, created_at, updated_at, updated_by)
SELECT substr(name, 1, instr(name, '/') - 1), substr(name, 1, instr(name, '/') - 1), '{}', MAX(revision), MIN(created_at), MIN(created_at), 'migration'
FROM functions WHERE deleted = 0 GROUP BY 1;

INSERT INTO teams (scope, team, settings, revision, created_at, updated_at, updated_by)
SELECT substr(name, 1, instr(name, '/') + instr(substr(name, instr(name, '/') + 1), '/') - 1), substr(name, 1, instr(name, '/') - 1),
    '{}', MAX(revision), MIN(created_at), MIN(created_at), 'migration'
FROM functions WHERE deleted = 0 GROUP BY 1;

CREATE TABLE secrets (
    scope      TEXT    NOT NULL REFERENCES teams (scope),
    name       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    key_id     TEXT    NOT NULL, -- of the key that it is sealed with
    sealed     BLOB    NOT NULL, -- nonce and AES-256-GCM's text, bound to scope, name and version
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT    NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX secrets_by_key ON secrets (key_id);
