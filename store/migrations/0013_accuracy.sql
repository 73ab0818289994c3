-- What was said of the accuracy of registration data: results and codes, no
-- values. All of it can be counted again from accuracy_names.

-- Where records come from: what this centre looked up, or a frame that somebody
-- read in.
CREATE TABLE accuracy_frames (
    name      @text NOT NULL PRIMARY KEY,
    source    @text NOT NULL,              -- census.Source
    published @int NOT NULL,               -- 1: the public sees its sums
    created   @int NOT NULL
) @strict;

-- A frame under one version of one profile: figures of two are never mixed. Who
-- writes one holds its row, so that sums are changed by one at a time.
CREATE TABLE accuracy_sets (
    id      @serial,
    frame   @text NOT NULL REFERENCES accuracy_frames (name),
    profile @text NOT NULL,
    hash    @text NOT NULL,
    first   @int NOT NULL,
    last    @int NOT NULL,
    UNIQUE (frame, profile, hash)
) @strict;

-- The latest outcome of each name.
CREATE TABLE accuracy_names (
    set_id    @int NOT NULL REFERENCES accuracy_sets (id),
    name      @text NOT NULL,              -- A-labels
    tld       @text NOT NULL,
    registrar @text NOT NULL,              -- IANA ID, or a name in lower case; '-' where none is said
    at        @int NOT NULL,
    month     @int NOT NULL,               -- 202611
    gone      @int NOT NULL,               -- 1: not registered when it was last seen
    reach     @text NOT NULL,              -- result of census.Reach
    outcome   @text NOT NULL,              -- JSON of census.Outcome
    PRIMARY KEY (set_id, name)
) @strict;
CREATE INDEX accuracy_names_name ON accuracy_names (name);
CREATE INDEX accuracy_names_of ON accuracy_names (set_id, tld, registrar, reach, name) WHERE gone = 0;

-- The sums: month 0 is now, another month counts each name once that was seen in
-- it, by its last outcome in it. '' sums up over all TLDs, or all registrars.
CREATE TABLE accuracy_counts (
    set_id    @int NOT NULL REFERENCES accuracy_sets (id),
    month     @int NOT NULL,
    tld       @text NOT NULL,
    registrar @text NOT NULL,
    n         @int NOT NULL,
    counts    @text NOT NULL,              -- census.Counts
    detail    @text NOT NULL,              -- JSON of census.Detail
    PRIMARY KEY (set_id, month, tld, registrar)
) @strict;
CREATE INDEX accuracy_counts_registrar ON accuracy_counts (set_id, registrar, month, tld);

-- What registrars are called, by the key above.
CREATE TABLE accuracy_registrars (
    key  @text NOT NULL PRIMARY KEY,
    name @text NOT NULL,
    at   @int NOT NULL
) @strict;

-- Names whose newest answer is yet to be assessed. Written with the answer, so
-- that none is forgotten.
CREATE TABLE accuracy_due (
    name @text NOT NULL PRIMARY KEY,
    at   @int NOT NULL,
    n    @int NOT NULL                     -- answers since the last assessment
) @strict;
CREATE INDEX accuracy_due_at ON accuracy_due (at, name);

-- How far a file was read into a frame, by the file's digest.
CREATE TABLE accuracy_imports (
    frame  @text NOT NULL REFERENCES accuracy_frames (name),
    sha    @bytes NOT NULL,
    month  @int NOT NULL,
    units  @int NOT NULL,                  -- rows read, those that could not be among them
    bad    @int NOT NULL,
    begun  @int NOT NULL,
    done   @int,                           -- when the end was reached
    PRIMARY KEY (frame, sha)
) @strict;
