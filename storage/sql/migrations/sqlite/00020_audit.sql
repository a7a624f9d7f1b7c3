-- +goose Up
-- What else than functions changes is in the same log: such a row has no function
-- but a subject, "token:ci" or "team:growth".
ALTER TABLE changes ADD COLUMN scope TEXT NOT NULL DEFAULT ''; -- whose it is: "team/project", "team", or empty for the whole installation
ALTER TABLE changes ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE changes ADD COLUMN origin TEXT NOT NULL DEFAULT ''; -- how the author was known: token, session, dev, server
ALTER TABLE changes ADD COLUMN address TEXT NOT NULL DEFAULT ''; -- of the author's client
ALTER TABLE changes ADD COLUMN agent TEXT NOT NULL DEFAULT '';

UPDATE changes SET scope = substr(function, 1, instr(function, '/') + instr(substr(function, instr(function, '/') + 1), '/') - 1);

CREATE INDEX changes_by_scope ON changes (scope, cursor);
