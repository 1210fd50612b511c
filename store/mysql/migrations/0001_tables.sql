-- Everything large is a chunk: an immutable blob that adds to those of the same key.
--   kind 1, cells: (grain, cuboid, period)    kind 2, sets: (grain, shard, period)    kind 3, state: (shard, kind, part)
-- A chunk of a higher level is older than every chunk of a lower level of its key, and within a level the id rises with
-- time. bytes is the size of both blobs: in the index, so that nothing that counts and measures reads a blob.
CREATE TABLE IF NOT EXISTS ~chunks (
  id    BIGINT NOT NULL AUTO_INCREMENT,
  kind  TINYINT NOT NULL,
  a     BIGINT NOT NULL,
  b     BIGINT NOT NULL,
  c     BIGINT NOT NULL,
  level INT NOT NULL,
  bytes BIGINT NOT NULL,
  data  LONGBLOB NOT NULL,
  masks LONGBLOB NOT NULL,
  PRIMARY KEY (id),
  KEY chunks_by_key (kind, a, b, c, level, bytes)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 /*T![auto_id_cache] AUTO_ID_CACHE 1 */;

CREATE TABLE IF NOT EXISTS ~shards (
  shard       INT NOT NULL,
  epoch       BIGINT NOT NULL,
  next_offset BIGINT NOT NULL,
  snapshot    BIGINT NOT NULL,
  received    BIGINT NOT NULL,
  accepted    BIGINT NOT NULL,
  duplicates  BIGINT NOT NULL,
  late        BIGINT NOT NULL,
  max_time    BIGINT NOT NULL,
  users       BIGINT NOT NULL,
  PRIMARY KEY (shard)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- The 128-bit hash sum is kept as four sums of 32-bit limbs, whose carries are resolved on reading.
CREATE TABLE IF NOT EXISTS ~ledger (
  hour       BIGINT NOT NULL,
  shard      INT NOT NULL,
  events     BIGINT NOT NULL,
  hash0      BIGINT NOT NULL,
  hash1      BIGINT NOT NULL,
  hash2      BIGINT NOT NULL,
  hash3      BIGINT NOT NULL,
  duplicates BIGINT NOT NULL,
  late       BIGINT NOT NULL,
  PRIMARY KEY (hour, shard)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS ~periods (
  clock   TINYINT NOT NULL,
  period  BIGINT NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (clock, period),
  KEY periods_by_version (version)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS ~dimensions (
  dim         INT NOT NULL,
  name        VARBINARY(255) NOT NULL,
  next_number BIGINT NOT NULL,
  PRIMARY KEY (dim)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS ~dimension_values (
  dim    INT NOT NULL,
  number BIGINT NOT NULL,
  text   VARBINARY(1024) NOT NULL,
  PRIMARY KEY (dim, number),
  UNIQUE KEY dimension_values_by_text (dim, text)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS ~letters (
  number BIGINT NOT NULL AUTO_INCREMENT,
  at     BIGINT NOT NULL,
  source MEDIUMBLOB NOT NULL,
  reason MEDIUMBLOB NOT NULL,
  detail MEDIUMBLOB NOT NULL,
  raw    LONGBLOB NOT NULL,
  PRIMARY KEY (number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 /*T![auto_id_cache] AUTO_ID_CACHE 1 */;

CREATE TABLE IF NOT EXISTS ~settings (
  name  VARBINARY(255) NOT NULL,
  value MEDIUMBLOB NOT NULL,
  PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- One row. revision rises with every change of what a view's head shows; expired is the revision of the last expiry.
CREATE TABLE IF NOT EXISTS ~head (
  one       TINYINT NOT NULL,
  identity  BIGINT NOT NULL,
  build     BIGINT NOT NULL,
  version   BIGINT NOT NULL,
  committed BIGINT NOT NULL,
  revision  BIGINT NOT NULL,
  expired   BIGINT NOT NULL,
  PRIMARY KEY (one)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
