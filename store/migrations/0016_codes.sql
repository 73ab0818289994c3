-- A code is made when its message leaves, and only its digest is kept: none waits
-- in clear any more. A message that waits at this moment carries a new code; a code
-- that waits to be sent by telephone has to be sent again.
DROP TABLE verification_codes;

-- What became known of one verification and puts in doubt whatever else of the
-- organisation names the address: done in pages, after the id that was done last.
CREATE TABLE verification_doubts (
    id         @text NOT NULL PRIMARY KEY,
    org        @text NOT NULL,
    revision   @bytes NOT NULL,
    cause      @text NOT NULL,
    evidence   @text NOT NULL,
    at         @int NOT NULL,              -- when it became known: what was verified later stands
    done       @text NOT NULL,
    due        @int NOT NULL
) @strict;
CREATE INDEX verification_doubts_due ON verification_doubts (due, id);

-- A contact may be that of very many names: what is asked of them is found without
-- reading them all.
DROP INDEX verifications_email;
DROP INDEX verifications_phone;
CREATE INDEX verifications_email ON verifications (email, org, rest) WHERE email IS NOT NULL;
CREATE INDEX verifications_phone ON verifications (phone, org, rest) WHERE phone IS NOT NULL;
CREATE INDEX verifications_pages ON verifications (email, org, id) WHERE email IS NOT NULL;
CREATE INDEX verifications_doubted ON verifications (email, org) WHERE doubt = 1;
CREATE INDEX verifications_doubted_phone ON verifications (phone, org) WHERE doubt = 1;
