-- Orders to a registrar's system: whose registration each is about, so that the
-- tasks of one organisation never hide those of another, and when it was last
-- sent, so that what undoes it waits until that attempt is over, and no longer.
ALTER TABLE verification_orders ADD COLUMN org @text NOT NULL DEFAULT '';
ALTER TABLE verification_orders ADD COLUMN tried @int;
UPDATE verification_orders SET org = (SELECT v.org FROM verifications v WHERE v.id = verification_orders.verification_id);
UPDATE verification_orders SET tried = created WHERE attempts > 0;

-- What the orders of a name left there is read whenever one of them is undone.
CREATE INDEX verification_orders_name ON verification_orders (name, created, id);
DROP INDEX verification_orders_hand;
CREATE INDEX verification_orders_hand ON verification_orders (org, created, id) WHERE state = 'by_hand';
