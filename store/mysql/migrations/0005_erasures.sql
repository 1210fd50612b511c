-- Users erased from a log that can't be written anew, for all builds; see store.Erasure.
CREATE TABLE IF NOT EXISTS erasures (
  user  BINARY(16) NOT NULL,
  shard INT NOT NULL,
  build BIGINT NOT NULL,
  until BIGINT NOT NULL,
  at    BIGINT NOT NULL,
  PRIMARY KEY (user, shard, build)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- One row: the key of their prints.
CREATE TABLE IF NOT EXISTS erasure_key (
  one    TINYINT NOT NULL,
  secret VARBINARY(32) NOT NULL,
  PRIMARY KEY (one)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
