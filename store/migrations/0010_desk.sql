-- Who works a case: a reference to a person, '' for nobody. It is in the log; here
-- it is what the queue is filtered by.
ALTER TABLE cases ADD COLUMN assignee @text NOT NULL DEFAULT '';
CREATE INDEX cases_assignee ON cases (assignee, due, id, state) WHERE assignee <> '';
