-- Surveys of the accuracy of registration data. The plan and the report stay; they
-- hold nothing of a person.
CREATE TABLE surveys (
    id        @text NOT NULL PRIMARY KEY,
    name      @text NOT NULL,              -- of the series
    cycle     @int NOT NULL,               -- from 1
    state     @text NOT NULL,
    published @int NOT NULL,
    created   @int NOT NULL,
    changed   @int NOT NULL,
    ended     @int,
    expired   @int,                        -- since when the names of the sample are gone
    plan      @bytes NOT NULL,             -- JSON
    source    @bytes NOT NULL,             -- JSON: where the frame is; blanked when the names go
    progress  @bytes NOT NULL,             -- JSON: counts and strata
    report    @bytes,                      -- JSON, as it is digested
    digest    @bytes,
    fault     @text NOT NULL,              -- why it failed
    UNIQUE (name, cycle)
) @strict;
CREATE INDEX surveys_created ON surveys (created, id);
CREATE INDEX surveys_changed ON surveys (changed) WHERE expired IS NULL;

-- The sample: what became of each unit, without its name.
CREATE TABLE survey_units (
    survey_id @text NOT NULL REFERENCES surveys (id),
    n         @int NOT NULL,
    phase     @int NOT NULL,               -- 1 drawn, 2 to be tested
    done      @int NOT NULL,               -- 1: phase 1 classified, phase 2 tested
    stratum   @text NOT NULL,
    outcome   @bytes,                      -- JSON: results and reasons, no values
    PRIMARY KEY (survey_id, n)
) @strict;
CREATE INDEX survey_units_open ON survey_units (survey_id, phase, n) WHERE done = 0;

-- Which registrations these are: a name and a verdict together are about a
-- person. They expire.
CREATE TABLE survey_names (
    survey_id @text NOT NULL,
    n         @int NOT NULL,
    unit      @text NOT NULL,              -- registered domain (A-labels), or a contact's handle
    PRIMARY KEY (survey_id, n),
    UNIQUE (survey_id, unit),
    FOREIGN KEY (survey_id, n) REFERENCES survey_units (survey_id, n)
) @strict;

-- Targets of a series, each tested by the cycles after it.
CREATE TABLE survey_targets (
    name   @text NOT NULL,                 -- of the series
    n      @int NOT NULL,
    body   @bytes NOT NULL,                -- JSON
    PRIMARY KEY (name, n)
) @strict;
