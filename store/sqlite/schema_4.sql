-- What the commits of an hour did to the figures of a day: the changes of a day add up to its total cell. hour is the start of
-- the hour in the report time zone, Unix ms.
CREATE TABLE history (
  day           INTEGER NOT NULL,
  hour          INTEGER NOT NULL,
  commits       INTEGER NOT NULL,
  first_version INTEGER NOT NULL,
  last_version  INTEGER NOT NULL,
  first_at      INTEGER NOT NULL,
  last_at       INTEGER NOT NULL,
  events        INTEGER NOT NULL,
  sessions      INTEGER NOT NULL,
  bounces       INTEGER NOT NULL,
  duration      INTEGER NOT NULL,
  new_users     INTEGER NOT NULL,
  active        INTEGER NOT NULL,
  counted       INTEGER NOT NULL,
  retracted     INTEGER NOT NULL,
  duplicates    INTEGER NOT NULL,
  late          INTEGER NOT NULL,
  PRIMARY KEY (day, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX history_by_hour ON history (hour);
