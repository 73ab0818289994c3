-- Verdicts on single names expire, and what is counted of them by month stays.
-- expired is until when a set has lost verdicts: an outcome that is older would
-- be counted twice, and is left out.
ALTER TABLE accuracy_sets ADD COLUMN expired @int NOT NULL DEFAULT 0;
CREATE INDEX accuracy_names_at ON accuracy_names (set_id, at, name);

-- Profiles of the operator's own that names were counted under, as they were
-- read: what a set was held against can be shown for as long as the set.
CREATE TABLE accuracy_profiles (
    hash    @text NOT NULL PRIMARY KEY,    -- policy.Profile.Hash, as in accuracy_sets
    profile @text NOT NULL,
    version @int NOT NULL,                 -- of the profiles of this name, from 1
    file    @text NOT NULL,                -- what the file was called
    sha     @bytes NOT NULL,               -- SHA-256 of the file
    body    @bytes NOT NULL,
    added   @int NOT NULL,
    UNIQUE (profile, version)
) @strict;

-- What this centre's own verifications said of a unit when it was drawn: digests
-- under a key, no values. It goes with the names of the sample.
CREATE TABLE survey_answers (
    survey_id @text NOT NULL,
    n         @int NOT NULL,
    path      @text NOT NULL,              -- of the contact field
    revision  @bytes NOT NULL,             -- keyed digest of the value that was verified
    at        @int NOT NULL,
    PRIMARY KEY (survey_id, n, path),
    FOREIGN KEY (survey_id, n) REFERENCES survey_units (survey_id, n)
) @strict;
