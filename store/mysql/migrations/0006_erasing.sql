-- What an erasure that has begun and not ended keeps, in parts; see store.Erasures.
CREATE TABLE IF NOT EXISTS erasing (
  part INT NOT NULL,
  body MEDIUMBLOB NOT NULL,
  PRIMARY KEY (part)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4
