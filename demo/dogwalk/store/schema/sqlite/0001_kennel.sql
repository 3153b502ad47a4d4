-- What exists stays: before goose kept the versions, this program made the same tables and a table schema_version.

-- +goose Up
CREATE TABLE IF NOT EXISTS walkers (
  id    INTEGER PRIMARY KEY AUTOINCREMENT,
  name  TEXT NOT NULL,
  email TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS dogs (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  size TEXT NOT NULL DEFAULT 'md' CHECK (size IN ('xs', 'sm', 'md', 'lg', 'xl')),
  name TEXT NOT NULL,
  age  INTEGER NOT NULL CHECK (age >= 0)
);
CREATE TABLE IF NOT EXISTS walks (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  dog_id     INTEGER NOT NULL REFERENCES dogs (id) ON DELETE CASCADE,
  walker_id  INTEGER NOT NULL REFERENCES walkers (id) ON DELETE CASCADE,
  distance   INTEGER NOT NULL DEFAULT 0 CHECK (distance >= 0),
  start_time TIMESTAMP NOT NULL,
  end_time   TIMESTAMP
);
CREATE INDEX IF NOT EXISTS walks_by_dog ON walks (dog_id);
CREATE INDEX IF NOT EXISTS walks_by_walker ON walks (walker_id);
CREATE INDEX IF NOT EXISTS walks_by_start ON walks (start_time);
CREATE INDEX IF NOT EXISTS walks_by_end ON walks (end_time);
CREATE TABLE IF NOT EXISTS closing (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  until TIMESTAMP NOT NULL
);
