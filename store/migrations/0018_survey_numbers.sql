-- How far a file was read into a frame, under which version of which profile and
-- for which TLD: the same file under another is another reading. What was read
-- before is taken for one under the frame's profile where it has only one; else
-- the file may be read once more.
CREATE TABLE accuracy_readings (
    frame   @text NOT NULL REFERENCES accuracy_frames (name),
    sha     @bytes NOT NULL,
    profile @text NOT NULL,
    hash    @text NOT NULL,
    tld     @text NOT NULL,                -- '' for any
    month   @int NOT NULL,
    units   @int NOT NULL,                 -- rows read, those that could not be among them
    bad     @int NOT NULL,
    begun   @int NOT NULL,
    done    @int,                          -- when the end was reached
    PRIMARY KEY (frame, sha, profile, hash, tld)
) @strict;
INSERT INTO accuracy_readings (frame, sha, profile, hash, tld, month, units, bad, begun, done)
SELECT i.frame, i.sha, s.profile, s.hash, '', i.month, i.units, i.bad, i.begun, i.done FROM accuracy_imports i JOIN accuracy_sets s ON s.frame = i.frame
WHERE (SELECT count(*) FROM accuracy_sets x WHERE x.frame = i.frame) = 1;
DROP TABLE accuracy_imports;
ALTER TABLE accuracy_readings RENAME TO accuracy_imports;
