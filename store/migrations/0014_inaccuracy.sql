-- Inaccuracy cases (package inaccuracy): from a finding in registration data to
-- its correction. Their logs are chains like those of abuse cases, in tables of
-- their own. No column holds a value of a contact.
CREATE TABLE inaccuracies (
    id          @text NOT NULL PRIMARY KEY,
    name        @text NOT NULL,
    profile     @text NOT NULL,
    party       @text NOT NULL,            -- id of who is asked
    state       @text NOT NULL,
    is_open     @int NOT NULL,
    by_person   @int NOT NULL,             -- 1: nothing moves unless a person acts
    opened      @int NOT NULL,
    touched     @int NOT NULL,             -- the last event: personal payloads expire from here
    ended       @int,
    due         @int,
    seq         @int NOT NULL,
    head        @bytes NOT NULL,
    body        @bytes NOT NULL            -- JSON of the projection
) @strict;
CREATE UNIQUE INDEX inaccuracies_open ON inaccuracies (name, profile) WHERE is_open = 1;
CREATE INDEX inaccuracies_opened ON inaccuracies (opened, id);
CREATE INDEX inaccuracies_name ON inaccuracies (name, opened);
CREATE INDEX inaccuracies_due ON inaccuracies (due, id) WHERE due IS NOT NULL;
CREATE INDEX inaccuracies_touched ON inaccuracies (touched);

CREATE TABLE inaccuracy_events (
    case_id    @text NOT NULL REFERENCES inaccuracies (id),
    seq        @int NOT NULL,
    at         @int NOT NULL,
    kind       @text NOT NULL,
    actor      @text NOT NULL,
    prev       @bytes NOT NULL,
    commitment @bytes NOT NULL,
    hash       @bytes NOT NULL,
    PRIMARY KEY (case_id, seq)
) @strict;

CREATE TABLE inaccuracy_payloads (
    case_id    @text NOT NULL,
    seq        @int NOT NULL,
    personal   @int NOT NULL,
    salt       @bytes NOT NULL,
    body       @bytes NOT NULL,
    PRIMARY KEY (case_id, seq),
    FOREIGN KEY (case_id, seq) REFERENCES inaccuracy_events (case_id, seq)
) @strict;
CREATE INDEX inaccuracy_payloads_personal ON inaccuracy_payloads (case_id) WHERE personal = 1;
