CREATE TABLE components (
  id               INTEGER PRIMARY KEY AUTOINCREMENT,
  name             TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 60),
  labels           TEXT NOT NULL DEFAULT '{}',
  weekdays         TEXT NOT NULL DEFAULT 'mon,tue,wed,thu,fri,sat,sun',
  start_time       TEXT NOT NULL,
  duration_minutes INTEGER NOT NULL CHECK (duration_minutes BETWEEN 1 AND 1440),
  time_zone        TEXT NOT NULL DEFAULT 'UTC'
) STRICT;
-- Two components whose metrics would have the same name.
CREATE UNIQUE INDEX components_by_metric ON components (replace(name, '-', '_'));
