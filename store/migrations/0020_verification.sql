-- How often something that became known elsewhere has made a verification due. Whoever
-- worked on it meanwhile saw the number before, and leaves it due.
ALTER TABLE verifications ADD COLUMN prompts @int NOT NULL DEFAULT 0;

-- When something last spoke against the contact; NULL while nothing does. What was
-- verified of the same address later stands.
ALTER TABLE verifications ADD COLUMN doubted @int;
UPDATE verifications SET doubted = (SELECT max(e.at) FROM verification_events e WHERE e.verification_id = verifications.id) WHERE doubt = 1;
DROP INDEX verifications_doubted;
DROP INDEX verifications_doubted_phone;
ALTER TABLE verifications DROP COLUMN doubt;
CREATE INDEX verifications_doubted ON verifications (email, org, doubted) WHERE doubted IS NOT NULL;
CREATE INDEX verifications_doubted_phone ON verifications (phone, org, doubted) WHERE doubted IS NOT NULL;

-- The codes by mail of a day have a cap of their own.
CREATE INDEX notices_codes ON notices (coalesce(done, due, created)) WHERE kind = 'verification' AND state IN ('accepted', 'intended', 'in_doubt');
