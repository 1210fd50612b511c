-- Versions are kept by clock: 0, an hour bucket's minutes; 1, the ledger of a UTC day; 2, a date with its hours and user sets;
-- 3, a part of a shard's dictionary (shard << 32 | part).
ALTER TABLE periods RENAME COLUMN grain TO clock;
INSERT INTO periods (clock, period, version)
  SELECT DISTINCT 1, (hour - ((hour % 86400000) + 86400000) % 86400000) / 86400000, (SELECT max(version, 1) FROM head) FROM ledger;
INSERT INTO periods (clock, period, version)
  SELECT DISTINCT 3, (a << 32) | (c & 4294967295), (SELECT max(version, 1) FROM head) FROM chunks WHERE kind = 3 AND b = 1;
UPDATE head SET revision = revision + 1, expired = revision + 1;

-- The masks of user sets, which most readers need not fetch, stand behind what all of them read.
ALTER TABLE chunks ADD COLUMN masks BLOB NOT NULL DEFAULT x'';

CREATE INDEX ledger_dropped ON ledger (hour, shard) WHERE duplicates > 0 OR late > 0;

-- A number that no other store has, so that what is cached of one is never taken for another's.
ALTER TABLE head ADD COLUMN identity INTEGER NOT NULL DEFAULT 0;
UPDATE head SET identity = random();
