-- Requests for registration data that is not public. Their logs are chains like
-- those of cases, in tables of their own: a request need not belong to a case.
CREATE TABLE disclosures (
    id          @text NOT NULL PRIMARY KEY,
    direction   @text NOT NULL,            -- "sent", "received"
    name        @text NOT NULL,
    party       @text NOT NULL,            -- its id
    profile     @text NOT NULL,
    state       @text NOT NULL,
    is_open     @int NOT NULL,             -- 1: neither decided nor withdrawn
    case_id     @text NOT NULL,            -- '' for none
    opened      @int NOT NULL,
    ended       @int,
    due         @int,
    seq         @int NOT NULL,
    head        @bytes NOT NULL,
    token       @bytes UNIQUE,             -- digest of who asked's token; NULL for a request of ours
    asker       @bytes,                    -- keyed digest of who asks; personal: blanked when it expires
    data        @bytes,                    -- digest of what was disclosed
    body        @bytes NOT NULL            -- JSON of the projection
) @strict;
CREATE INDEX disclosures_opened ON disclosures (opened, id);
CREATE INDEX disclosures_name ON disclosures (name, opened);
CREATE INDEX disclosures_case ON disclosures (case_id) WHERE case_id <> '';
CREATE INDEX disclosures_due ON disclosures (due, id) WHERE due IS NOT NULL;
CREATE INDEX disclosures_asker ON disclosures (asker, opened) WHERE asker IS NOT NULL;
CREATE INDEX disclosures_ended ON disclosures (ended) WHERE ended IS NOT NULL;

CREATE TABLE disclosure_events (
    request_id @text NOT NULL REFERENCES disclosures (id),
    seq        @int NOT NULL,
    at         @int NOT NULL,
    kind       @text NOT NULL,
    actor      @text NOT NULL,
    prev       @bytes NOT NULL,
    commitment @bytes NOT NULL,
    hash       @bytes NOT NULL,
    PRIMARY KEY (request_id, seq)
) @strict;

CREATE TABLE disclosure_payloads (
    request_id @text NOT NULL,
    seq        @int NOT NULL,
    personal   @int NOT NULL,
    salt       @bytes NOT NULL,
    body       @bytes NOT NULL,
    PRIMARY KEY (request_id, seq),
    FOREIGN KEY (request_id, seq) REFERENCES disclosure_events (request_id, seq)
) @strict;
CREATE INDEX disclosure_payloads_personal ON disclosure_payloads (request_id) WHERE personal = 1;
