-- Everything large is a chunk: an immutable blob that adds to those of the same key.
--   kind 1, cells: (grain, cuboid, period)    kind 2, sets: (grain, shard, period)    kind 3, state: (shard, kind, part)
-- A chunk of a higher level is older than every chunk of a lower level of its key, and within a level the id rises with time:
-- so the index lists the chunks of a key oldest first. AUTOINCREMENT: the number of a chunk that is gone is never
-- given to another, which lets compaction replace by number what it read before.
CREATE TABLE chunks (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  kind  INTEGER NOT NULL,
  a     INTEGER NOT NULL,
  b     INTEGER NOT NULL,
  c     INTEGER NOT NULL,
  level INTEGER NOT NULL,
  data  BLOB NOT NULL
) STRICT;
CREATE INDEX chunks_by_key ON chunks (kind, a, b, c, level DESC);

CREATE TABLE shards (
  shard       INTEGER PRIMARY KEY,
  epoch       INTEGER NOT NULL DEFAULT 0,
  next_offset INTEGER NOT NULL DEFAULT 0,
  snapshot    INTEGER NOT NULL DEFAULT 0,
  received    INTEGER NOT NULL DEFAULT 0,
  accepted    INTEGER NOT NULL DEFAULT 0,
  duplicates  INTEGER NOT NULL DEFAULT 0,
  late        INTEGER NOT NULL DEFAULT 0,
  max_time    INTEGER NOT NULL DEFAULT 0,
  users       INTEGER NOT NULL DEFAULT 0
) STRICT;

-- The 128-bit hash sum is kept as four sums of 32-bit limbs, whose carries are resolved on reading: they add up in SQL
-- without overflow for 2^31 commits of one hour.
CREATE TABLE ledger (
  hour       INTEGER NOT NULL,
  shard      INTEGER NOT NULL,
  count      INTEGER NOT NULL,
  hash0      INTEGER NOT NULL,
  hash1      INTEGER NOT NULL,
  hash2      INTEGER NOT NULL,
  hash3      INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  late       INTEGER NOT NULL,
  PRIMARY KEY (hour, shard)
) STRICT, WITHOUT ROWID;

-- grain is that of the period's sets: day or minute.
CREATE TABLE periods (
  grain   INTEGER NOT NULL,
  period  INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (grain, period)
) STRICT, WITHOUT ROWID;
CREATE INDEX periods_by_version ON periods (version);

CREATE TABLE dimensions (
  dim         INTEGER PRIMARY KEY,
  name        BLOB NOT NULL,
  next_number INTEGER NOT NULL
) STRICT;

CREATE TABLE dimension_values (
  dim    INTEGER NOT NULL,
  number INTEGER NOT NULL,
  text   BLOB NOT NULL,
  PRIMARY KEY (dim, number),
  UNIQUE (dim, text)
) STRICT, WITHOUT ROWID;

CREATE TABLE letters (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  at     INTEGER NOT NULL,
  source BLOB,
  reason BLOB,
  detail BLOB,
  raw    BLOB
) STRICT;

-- One row. revision rises with every change of what a view's head shows; expired is the revision of the last expiry.
CREATE TABLE head (
  build     INTEGER NOT NULL,
  version   INTEGER NOT NULL,
  committed INTEGER NOT NULL,
  revision  INTEGER NOT NULL,
  expired   INTEGER NOT NULL
) STRICT;
INSERT INTO head VALUES (1, 0, 0, 0, 0);
