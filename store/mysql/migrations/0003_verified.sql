-- What the last verification of a day found; day -2147483648 stands for what is of no day.
CREATE TABLE IF NOT EXISTS ~verified (
  day         INT NOT NULL,
  build       BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  at          BIGINT NOT NULL,
  took        BIGINT NOT NULL,
  differences BIGINT NOT NULL,
  PRIMARY KEY (day)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
