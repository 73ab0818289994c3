-- Which parties an organisation answers for: its members see what these were told.
CREATE TABLE org_parties (
    org    @text NOT NULL REFERENCES orgs (id),
    party  @text NOT NULL,                 -- party.Party.ID
    linked @int NOT NULL,
    PRIMARY KEY (org, party)
) @strict;
CREATE INDEX org_parties_party ON org_parties (party);

-- What of each case a party was told: its obligations that reached it. A projection
-- of the log, from which the lists of members are read without reading cases.
CREATE TABLE shares (
    obligation @text NOT NULL PRIMARY KEY,
    case_id    @text NOT NULL REFERENCES cases (id),
    party      @text NOT NULL,
    told       @int NOT NULL,              -- when it first reached the party
    due        @int                        -- until when the party has time; NULL where it is not waited for
) @strict;
CREATE INDEX shares_told ON shares (party, told, obligation, case_id);
CREATE INDEX shares_due ON shares (party, due, obligation, case_id, told) WHERE due IS NOT NULL;
CREATE INDEX shares_case ON shares (case_id);
