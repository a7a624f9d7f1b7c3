-- +goose Up
-- What was done to a project was written as if it had been done to a team.
UPDATE changes SET kind = 'project_' || substr(kind, 6) WHERE subject LIKE 'project:%' AND kind IN ('team_created', 'team_changed', 'team_deleted');
