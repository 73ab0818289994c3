-- What registries and registrars answered about names over time: one row for
-- each time in which nothing changed. The contacts are apart, in a blob of
-- their own, and so are the raw answers, so that both can expire while what
-- was known of the name stays.
CREATE TABLE registrations (
    name     @text NOT NULL,               -- registered domain, A-labels
    version  @int NOT NULL,                -- from 1
    first    @int NOT NULL,
    last     @int NOT NULL,
    seen     @int NOT NULL,                -- answers that showed it
    state    @text NOT NULL,
    record   @bytes NOT NULL,              -- JSON, without contacts
    contacts @bytes REFERENCES blobs (sha),-- JSON of the contacts; NULL: there are none, or bare
    bare     @int NOT NULL,                -- 1: contacts were not asked for, or have expired
    expired  @int,                         -- since when contacts and raw answers are gone
    PRIMARY KEY (name, version)
) @strict;
CREATE INDEX registrations_last ON registrations (last, name, version) WHERE expired IS NULL;
CREATE INDEX registrations_contacts ON registrations (contacts) WHERE contacts IS NOT NULL;

-- The raw answers a version rests on. The digest outlives the bytes.
CREATE TABLE registration_answers (
    name     @text NOT NULL,
    version  @int NOT NULL,
    n        @int NOT NULL,
    sha      @bytes NOT NULL,
    protocol @text NOT NULL,
    server   @text NOT NULL,
    role     @text NOT NULL,
    at       @int NOT NULL,
    PRIMARY KEY (name, version, n),
    FOREIGN KEY (name, version) REFERENCES registrations (name, version)
) @strict;

-- The cases whose looks a version was part of: while one needs it, it keeps
-- its contacts.
CREATE TABLE registration_cases (
    name    @text NOT NULL,
    version @int NOT NULL,
    case_id @text NOT NULL REFERENCES cases (id),
    PRIMARY KEY (name, version, case_id),
    FOREIGN KEY (name, version) REFERENCES registrations (name, version)
) @strict;
