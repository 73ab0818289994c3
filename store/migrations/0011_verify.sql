-- Affirmative verifications (package verify). Their logs are chains like those of
-- cases, in tables of their own. No column holds an address or a number: email and
-- phone are keyed digests, and the values lie in a blob that is erased in time.
CREATE TABLE verifications (
    id          @text NOT NULL PRIMARY KEY,
    name        @text NOT NULL,
    role        @text NOT NULL,
    org         @text NOT NULL,            -- whose it is; '' is the centre's own
    registrar   @text NOT NULL,
    ref         @text NOT NULL,            -- what the registrar's system calls it
    profile     @text NOT NULL,
    state       @text NOT NULL,
    doubt       @int NOT NULL,             -- 1: something speaks against the contact
    email       @bytes,                    -- keyed digests of what the contact says
    phone       @bytes,
    opened      @int NOT NULL,
    rest        @int,                      -- since when nothing moves; NULL while something does
    due         @int,
    seq         @int NOT NULL,
    head        @bytes NOT NULL,
    data        @bytes,                    -- digest of the blob with the values; NULL once erased
    body        @bytes NOT NULL            -- JSON of the projection
) @strict;
CREATE INDEX verifications_opened ON verifications (opened, id);
CREATE INDEX verifications_name ON verifications (name, opened);
CREATE INDEX verifications_due ON verifications (due, id) WHERE due IS NOT NULL;
CREATE INDEX verifications_email ON verifications (email) WHERE email IS NOT NULL;
CREATE INDEX verifications_phone ON verifications (phone) WHERE phone IS NOT NULL;
CREATE INDEX verifications_rest ON verifications (rest) WHERE rest IS NOT NULL;

CREATE TABLE verification_events (
    verification_id @text NOT NULL REFERENCES verifications (id),
    seq        @int NOT NULL,
    at         @int NOT NULL,
    kind       @text NOT NULL,
    actor      @text NOT NULL,
    prev       @bytes NOT NULL,
    commitment @bytes NOT NULL,
    hash       @bytes NOT NULL,
    PRIMARY KEY (verification_id, seq)
) @strict;

CREATE TABLE verification_payloads (
    verification_id @text NOT NULL,
    seq        @int NOT NULL,
    personal   @int NOT NULL,
    salt       @bytes NOT NULL,
    body       @bytes NOT NULL,
    PRIMARY KEY (verification_id, seq),
    FOREIGN KEY (verification_id, seq) REFERENCES verification_events (verification_id, seq)
) @strict;
CREATE INDEX verification_payloads_personal ON verification_payloads (verification_id) WHERE personal = 1;

-- A code between its issue and its message. The row goes with the message's
-- result; after that only the digest in the log is left.
CREATE TABLE verification_codes (
    verification_id @text NOT NULL REFERENCES verifications (id),
    number     @int NOT NULL,
    method     @text NOT NULL,
    code       @text NOT NULL,
    made       @int NOT NULL,
    expires    @int NOT NULL,
    PRIMARY KEY (verification_id, number)
) @strict;
CREATE INDEX verification_codes_expires ON verification_codes (expires);

-- Addresses that want no codes, as keyed digests.
CREATE TABLE verification_refusals (
    revision   @bytes NOT NULL PRIMARY KEY,
    at         @int NOT NULL,
    verification_id @text NOT NULL         -- where it was said
) @strict;

-- What the registrar's system is to do.
CREATE TABLE verification_orders (
    id         @text NOT NULL PRIMARY KEY, -- the same at every attempt
    verification_id @text NOT NULL REFERENCES verifications (id),
    name       @text NOT NULL,
    kind       @text NOT NULL,             -- "hold", "release"
    state      @text NOT NULL,             -- "due", "by_hand", "done", "dropped"
    created    @int NOT NULL,
    due        @int,
    ended      @int,
    attempts   @int NOT NULL,
    response   @text NOT NULL,
    body       @bytes NOT NULL             -- what is sent
) @strict;
CREATE INDEX verification_orders_of ON verification_orders (verification_id, created);
CREATE INDEX verification_orders_due ON verification_orders (due, id) WHERE due IS NOT NULL;
CREATE INDEX verification_orders_hand ON verification_orders (created, id) WHERE state = 'by_hand';
