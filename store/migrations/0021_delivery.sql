-- Requests that are taken are counted by how they came: what strangers ask uses up
-- neither what is urgent nor what the desk writes down.
ALTER TABLE disclosures ADD COLUMN pool @text NOT NULL DEFAULT '';
CREATE INDEX disclosures_pool ON disclosures (direction, pool, opened);
