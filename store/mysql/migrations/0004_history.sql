-- What the commits of an hour did to the figures of a day: the changes of a day add up to its total cell. hour is the start of
-- the hour in the report time zone, Unix ms.
CREATE TABLE IF NOT EXISTS ~history (
  day           INT NOT NULL,
  hour          BIGINT NOT NULL,
  commits       BIGINT NOT NULL,
  first_version BIGINT NOT NULL,
  last_version  BIGINT NOT NULL,
  first_at      BIGINT NOT NULL,
  last_at       BIGINT NOT NULL,
  events        BIGINT NOT NULL,
  sessions      BIGINT NOT NULL,
  bounces       BIGINT NOT NULL,
  duration      BIGINT NOT NULL,
  new_users     BIGINT NOT NULL,
  active        BIGINT NOT NULL,
  counted       BIGINT NOT NULL,
  retracted     BIGINT NOT NULL,
  duplicates    BIGINT NOT NULL,
  late          BIGINT NOT NULL,
  PRIMARY KEY (day, hour),
  KEY history_by_hour (hour)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
