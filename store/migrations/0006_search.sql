-- Names by their parts, so that a part of a name finds its cases without reading
-- all of them. It is the same on both engines: an extension is not everywhere
-- allowed. Cases with the same name share its rows.
CREATE TABLE names (
    id      @serial,
    key     @text NOT NULL UNIQUE,         -- subject_key of cases
    unicode @text                          -- the name in its own script, lower case; NULL where that is the same
) @strict;
-- For each place in a name (and in its Unicode form) the octets from there on,
-- at most six, as a number: who looks for a part reads one range.
CREATE TABLE name_parts (
    part @int NOT NULL,
    name @int NOT NULL,
    PRIMARY KEY (part, name)
@sqlite ) STRICT, WITHOUT ROWID;
@postgres );

-- What waits for a person to hand it over.
CREATE TABLE handoffs (
    obligation @text NOT NULL PRIMARY KEY,
    case_id    @text NOT NULL REFERENCES cases (id),
    opened     @int NOT NULL
) @strict;
CREATE INDEX handoffs_opened ON handoffs (opened, obligation);

-- The orders of the queue. Each index holds all that the queue filters by, so
-- that a filter that fits few cases reads no rows (they are long) in vain.
DROP INDEX cases_due;
DROP INDEX cases_opened;
DROP INDEX cases_open_due;
DROP INDEX cases_state_due;
DROP INDEX cases_state_opened;
DROP INDEX cases_state_closed;
CREATE INDEX cases_due ON cases (due, id, state, type, judgement, outcome, subject_key) WHERE due IS NOT NULL;
CREATE INDEX cases_open_due ON cases (due, id, state, type, judgement, outcome, subject_key) WHERE state NOT IN ('closed', 'merged');
CREATE INDEX cases_opened ON cases (opened, id, state, type, judgement, outcome, due, subject_key);
CREATE INDEX cases_state_opened ON cases (state, opened, id, type, judgement, outcome, due, subject_key);
CREATE INDEX cases_state_closed ON cases (state, closed, id, type, judgement, outcome, due, subject_key);
CREATE INDEX cases_closed ON cases (closed, id, state, type, judgement, outcome, due, subject_key) WHERE closed IS NOT NULL;

-- The log of looks expires by its time.
CREATE INDEX access_log_at ON access_log (at, id);
