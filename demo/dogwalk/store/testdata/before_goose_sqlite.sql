-- What the version of this program before goose made and kept: its tables, its table of versions, and some rows.
CREATE TABLE walkers (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  name  TEXT NOT NULL,
  email TEXT NOT NULL
);
CREATE TABLE dogs (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  size TEXT NOT NULL DEFAULT 'md' CHECK (size IN ('xs', 'sm', 'md', 'lg', 'xl')),
  name TEXT NOT NULL,
  age  INTEGER NOT NULL CHECK (age >= 0)
);
CREATE TABLE walks (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dog_id     INTEGER NOT NULL REFERENCES dogs (id) ON DELETE CASCADE,
  walker_id  INTEGER NOT NULL REFERENCES walkers (id) ON DELETE CASCADE,
  distance   INTEGER NOT NULL DEFAULT 0 CHECK (distance >= 0),
  start_time TIMESTAMP NOT NULL,
  end_time   TIMESTAMP
);
CREATE INDEX walks_by_dog ON walks (dog_id);
CREATE INDEX walks_by_walker ON walks (walker_id);
CREATE INDEX walks_by_start ON walks (start_time);
CREATE INDEX walks_by_end ON walks (end_time);
CREATE TABLE closing (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  until TIMESTAMP NOT NULL
);
CREATE TABLE schema_version (version INTEGER NOT NULL);
INSERT INTO schema_version (version) VALUES (1);
INSERT INTO walkers (name, email) VALUES ('Edith', 'edith@dogwalk.example');
INSERT INTO dogs (size, name, age) VALUES ('xl', 'Nero', 8), ('xs', 'Fips', 1);
INSERT INTO walks (dog_id, walker_id, distance, start_time, end_time) VALUES
  (1, 1, 2500, '2025-11-19 08:30:00.250000+00:00', '2025-11-19 09:15:00.000000+00:00'),
  (2, 1, 0, '2025-11-20 07:00:00.000000+00:00', NULL);
INSERT INTO closing (id, until) VALUES (1, '2025-11-20 12:00:00.000000+00:00');
