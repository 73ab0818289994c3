-- 0007_budget
-- How often servers are asked, shared by all workers on all machines. next is
-- the time in nanoseconds of the turn that is leased next, by the database's
-- own clock; held is the time in microseconds before which a server wants no
-- question, why and times with it (package collect).
CREATE TABLE budgets (
    server @text NOT NULL PRIMARY KEY,
    next @int NOT NULL,
    held @int NOT NULL,
    why @text NOT NULL,
    times @int NOT NULL,
    used @int NOT NULL
) @strict;
CREATE INDEX budgets_used ON budgets (used);
