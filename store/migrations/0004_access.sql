-- People, and what they are known by. Of every secret only a digest is kept.
CREATE TABLE orgs (
    id      @text NOT NULL PRIMARY KEY,
    name    @text NOT NULL,
    folded  @text NOT NULL UNIQUE,         -- the name in lower case
    created @int NOT NULL
) @strict;

CREATE TABLE people (
    id       @text NOT NULL PRIMARY KEY,
    login    @text NOT NULL UNIQUE,        -- lower case
    name     @text NOT NULL,
    org      @text REFERENCES orgs (id),
    roles    @text NOT NULL,               -- apart by blanks
    password @text NOT NULL,               -- Argon2id in PHC string format; '' for none yet
    created  @int NOT NULL,
    disabled @int
) @strict;

CREATE TABLE sessions (
    digest  @bytes NOT NULL PRIMARY KEY,
    person  @text NOT NULL REFERENCES people (id),
    created @int NOT NULL,
    seen    @int NOT NULL
) @strict;
CREATE INDEX sessions_person ON sessions (person);
CREATE INDEX sessions_seen ON sessions (seen);

CREATE TABLE api_keys (
    id      @text NOT NULL PRIMARY KEY,
    digest  @bytes NOT NULL UNIQUE,
    name    @text NOT NULL,
    owner   @text NOT NULL REFERENCES people (id),
    roles   @text NOT NULL,
    created @int NOT NULL,
    expires @int,
    revoked @int,
    used    @int
) @strict;
CREATE INDEX api_keys_owner ON api_keys (owner, created);

CREATE TABLE links (
    digest  @bytes NOT NULL PRIMARY KEY,
    person  @text NOT NULL REFERENCES people (id),
    created @int NOT NULL,
    expires @int NOT NULL
) @strict;
CREATE INDEX links_person ON links (person);
CREATE INDEX links_expires ON links (expires);

-- Who looked at what. It names people by reference and refers to no table: it
-- outlives them.
CREATE TABLE access_log (
    id      @serial,
    at      @int NOT NULL,
    actor   @text NOT NULL,
    act     @text NOT NULL,
    purpose @text NOT NULL,
    kind    @text NOT NULL,
    object  @text NOT NULL,
    detail  @text NOT NULL
) @strict;
CREATE INDEX access_log_actor ON access_log (actor, id);
CREATE INDEX access_log_object ON access_log (kind, object, id);
