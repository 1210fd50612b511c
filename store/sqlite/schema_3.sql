-- What the last verification of a day found; day -2147483648 stands for what is of no day.
CREATE TABLE verified (
  day         INTEGER PRIMARY KEY,
  build       INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  at          INTEGER NOT NULL,
  took        INTEGER NOT NULL,
  differences INTEGER NOT NULL
) STRICT;
