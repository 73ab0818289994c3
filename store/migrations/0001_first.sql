-- One text for both engines. Words that begin with @ stand for what differs:
-- @text is TEXT COLLATE "C" on PostgreSQL and TEXT on SQLite, @int BIGINT and
-- INTEGER, @bytes BYTEA and BLOB, @serial an identity column, @strict STRICT.
-- A line that begins with @postgres or @sqlite is for that engine only.
-- Times are integer microseconds since 1970, UTC; NULL is "none".

CREATE TABLE blobs (
    id       @serial,
    sha      @bytes NOT NULL UNIQUE,       -- SHA-256 of the plain bytes
    size     @int NOT NULL,                -- of the plain bytes
    media    @text NOT NULL,
    stored   @int NOT NULL,
    orphaned @int,                         -- looked unreferenced since; settled by the sweep
    erased   @int,                         -- the key was erased: a tombstone
    barred   @int NOT NULL DEFAULT 0,      -- 1: these bytes are never kept again
    file     @text,                        -- name under the blob folder; NULL when data holds it
    data     @bytes                        -- AES-256-GCM; NULL when a file holds it
) @strict;
@postgres ALTER TABLE blobs ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX blobs_orphaned ON blobs (orphaned) WHERE orphaned IS NOT NULL;
CREATE INDEX blobs_stored ON blobs (stored) WHERE erased IS NULL;
CREATE INDEX blobs_file ON blobs (file) WHERE file IS NOT NULL;

-- Apart from the blobs, so that erasing a key erases every copy of the blob,
-- and so that a backup can leave the keys out.
CREATE TABLE blob_keys (
    blob_id @int NOT NULL PRIMARY KEY REFERENCES blobs (id),
    key     @bytes NOT NULL
) @strict;

CREATE TABLE blob_refs (
    sha        @bytes NOT NULL REFERENCES blobs (sha),
    owner_kind @text NOT NULL,
    owner_id   @text NOT NULL,
    added      @int NOT NULL,
    PRIMARY KEY (sha, owner_kind, owner_id)
) @strict;
CREATE INDEX blob_refs_owner ON blob_refs (owner_kind, owner_id);

CREATE TABLE reports (
    id           @text NOT NULL PRIMARY KEY,
    receipt      @text NOT NULL UNIQUE,
    scope        @text NOT NULL,
    idem         @text NOT NULL,           -- the idempotency key; '' for none
    digest       @bytes,
    source       @text NOT NULL,
    received     @int NOT NULL,
    blob         @bytes REFERENCES blobs (sha),
    part_offset  @int NOT NULL,
    part_length  @int NOT NULL,
    format       @text NOT NULL,
    state        @text NOT NULL,
    detail       @text NOT NULL,
    fields       @text NOT NULL,           -- JSON array of {path, reason}; '' for none
    duplicate_of @text NOT NULL,
    due          @int,
    attempts     @int NOT NULL
) @strict;
CREATE UNIQUE INDEX reports_idem ON reports (scope, idem) WHERE idem <> '';
CREATE INDEX reports_due ON reports (due, id) WHERE due IS NOT NULL;
CREATE INDEX reports_blob ON reports (blob) WHERE blob IS NOT NULL;
CREATE INDEX reports_named ON reports (received) WHERE scope <> '' OR idem <> '';

CREATE TABLE cases (
    id             @text NOT NULL PRIMARY KEY,
    subject_key    @text NOT NULL,
    subject_search @text NOT NULL,         -- lower case
    subject_kind   @text NOT NULL,
    type           @text NOT NULL,
    state          @text NOT NULL,
    opened         @int NOT NULL,
    closed         @int,
    rest           @int,                   -- since when nothing is open: closed or merged
    due            @int,
    seq            @int NOT NULL,
    head           @bytes NOT NULL,
    judgement      @text NOT NULL,
    outcome        @text NOT NULL,
    actor          @text NOT NULL,
    playbook       @text NOT NULL,
    body           @bytes NOT NULL
) @strict;
CREATE UNIQUE INDEX cases_open ON cases (subject_key, type) WHERE state NOT IN ('closed', 'merged');
CREATE INDEX cases_subject ON cases (subject_key, type, opened, id);
CREATE INDEX cases_search ON cases (subject_search);
CREATE INDEX cases_due ON cases (due, id) WHERE due IS NOT NULL;
CREATE INDEX cases_opened ON cases (opened, id);
CREATE INDEX cases_rest ON cases (rest) WHERE rest IS NOT NULL;

CREATE TABLE report_cases (
    report_id @text NOT NULL REFERENCES reports (id),
    n         @int NOT NULL,
    case_id   @text NOT NULL,
    PRIMARY KEY (report_id, n)
) @strict;
CREATE INDEX report_cases_case ON report_cases (case_id);

CREATE TABLE events (
    case_id    @text NOT NULL REFERENCES cases (id),
    seq        @int NOT NULL,
    at         @int NOT NULL,
    kind       @text NOT NULL,
    actor      @text NOT NULL,
    prev       @bytes NOT NULL,
    commitment @bytes NOT NULL,
    hash       @bytes NOT NULL,
    PRIMARY KEY (case_id, seq)
) @strict;

CREATE TABLE payloads (
    case_id  @text NOT NULL,
    seq      @int NOT NULL,
    personal @int NOT NULL,
    salt     @bytes NOT NULL,
    body     @bytes NOT NULL,
    PRIMARY KEY (case_id, seq),
    FOREIGN KEY (case_id, seq) REFERENCES events (case_id, seq)
) @strict;
CREATE INDEX payloads_personal ON payloads (case_id) WHERE personal = 1;

CREATE TABLE playbooks (
    hash @text NOT NULL PRIMARY KEY,
    name @text NOT NULL,
    body @bytes NOT NULL
) @strict;

CREATE TABLE notices (
    id          @text NOT NULL PRIMARY KEY,
    case_id     @text REFERENCES cases (id), -- NULL for what is about no case
    obligation  @text NOT NULL,
    number      @int NOT NULL,
    kind        @text NOT NULL,
    channel     @text NOT NULL,
    party       @text NOT NULL,
    recipient   @text NOT NULL,
    message_id  @text NOT NULL,
    state       @text NOT NULL,
    created     @int NOT NULL,
    due         @int,
    intended    @int,
    done        @int,
    attempts    @int NOT NULL,
    worker      @text NOT NULL,
    blob        @bytes REFERENCES blobs (sha),
    response    @text NOT NULL,
    recoverable @int NOT NULL,
    UNIQUE (obligation, number, kind)
) @strict;
CREATE INDEX notices_due ON notices (due, id) WHERE state = 'due';
CREATE INDEX notices_intended ON notices (worker, intended) WHERE state = 'intended';
CREATE INDEX notices_case ON notices (case_id, created, id);
CREATE INDEX notices_party ON notices (party, created);
CREATE INDEX notices_blob ON notices (blob) WHERE blob IS NOT NULL;
CREATE INDEX notices_recipient ON notices (recipient, state);
CREATE INDEX notices_message ON notices (message_id) WHERE message_id <> '';

CREATE TABLE settings (
    key   @text NOT NULL PRIMARY KEY,
    value @bytes NOT NULL
) @strict;
