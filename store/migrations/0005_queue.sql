-- A desk lists cases by state, and what is due among the open ones; the rows are
-- long, so each order has an index of its own that holds what it is read by.
CREATE INDEX cases_open_due ON cases (due, id) WHERE state NOT IN ('closed', 'merged');
CREATE INDEX cases_state_due ON cases (state, due, id);
CREATE INDEX cases_state_opened ON cases (state, opened, id);
CREATE INDEX cases_state_closed ON cases (state, closed, id);
