-- One table for all builds; those of build 1 have no prefix, those of build 2 begin with b2_, and so on. A row is never deleted,
-- so that no number is given again. dimensions and settings are JSON, as the build was begun with. letters is the last number of
-- a letter that was there when the build became active; shown tells the build that the view for SQL shows.
CREATE TABLE IF NOT EXISTS builds (
  number     BIGINT NOT NULL,
  state      VARBINARY(16) NOT NULL,
  dimensions MEDIUMBLOB NOT NULL,
  shards     INT NOT NULL,
  settings   MEDIUMBLOB NOT NULL,
  begun      BIGINT NOT NULL,
  activated  BIGINT NOT NULL,
  letters    BIGINT NOT NULL,
  shown      TINYINT NOT NULL,
  PRIMARY KEY (number)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
