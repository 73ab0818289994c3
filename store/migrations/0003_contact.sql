-- Mail addresses are compared in lower case: caps and health are counted per
-- mailbox, however a registry writes it. The column compares by octets on both
-- engines, so lower() touches ASCII letters only.
CREATE INDEX notices_mailbox ON notices (lower(recipient), created) WHERE recipient <> '';
