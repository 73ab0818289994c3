-- Mail that came in: one row for each thing of ours a mail was sent to. The
-- same octets to the same thing are one row, so that a client that was not
-- told "250" may send them again.
CREATE TABLE mails (
    id         @text NOT NULL PRIMARY KEY,
    received   @int NOT NULL,
    digest     @bytes NOT NULL,            -- SHA-256 of what arrived
    route      @text NOT NULL,             -- "report", "reply:OBLIGATION", "receipt:RECEIPT", "postmaster"
    blob       @bytes REFERENCES blobs (sha), -- NULL when nothing of it is kept
    length     @int NOT NULL,
    envelope   @text NOT NULL,             -- JSON; personal data: blanked when it expires
    message_id @text NOT NULL,
    kind       @text NOT NULL,             -- what it was taken for
    state      @text NOT NULL,
    detail     @text NOT NULL,
    case_id    @text NOT NULL,
    obligation @text NOT NULL,
    report_id  @text NOT NULL,
    due        @int,
    attempts   @int NOT NULL,
    UNIQUE (digest, route)
) @strict;
CREATE INDEX mails_route ON mails (route, received);
CREATE INDEX mails_due ON mails (due, id) WHERE due IS NOT NULL;
CREATE INDEX mails_case ON mails (case_id, received) WHERE case_id <> '';
CREATE INDEX mails_obligation ON mails (obligation, kind) WHERE obligation <> '';
CREATE INDEX mails_report ON mails (report_id) WHERE report_id <> '';
CREATE INDEX mails_blob ON mails (blob) WHERE blob IS NOT NULL;
CREATE INDEX mails_personal ON mails (received) WHERE envelope <> '';
CREATE INDEX mails_received ON mails (received, id);
