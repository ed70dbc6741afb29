BEGIN IMMEDIATE;
CREATE TABLE omni_commands (
  shop TEXT NOT NULL,
  key TEXT NOT NULL,
  request TEXT NOT NULL,
  answer TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (shop, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE omni_documents (
  shop TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  schema INTEGER NOT NULL CHECK (schema > 0),
  body TEXT NOT NULL,
  PRIMARY KEY (shop, kind, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE omni_index (
  shop TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  sort BLOB NOT NULL,
  key TEXT NOT NULL,
  uniq INTEGER NOT NULL CHECK (uniq IN (0, 1)),
  PRIMARY KEY (shop, kind, name, sort, key),
  FOREIGN KEY (shop, kind, key) REFERENCES omni_documents (shop, kind, key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX omni_index_unique ON omni_index (shop, kind, name, sort) WHERE uniq = 1;
CREATE INDEX omni_index_by_document ON omni_index (shop, kind, key, name, sort, uniq);
CREATE TABLE omni_balances (
  shop TEXT NOT NULL,
  unit TEXT NOT NULL,
  path TEXT NOT NULL,
  posted INTEGER NOT NULL,
  held INTEGER NOT NULL CHECK (held >= 0),
  floor INTEGER NOT NULL,
  overcommitted INTEGER NOT NULL CHECK (overcommitted IN (0, 1)),
  at INTEGER NOT NULL,
  PRIMARY KEY (shop, unit, path),
  CONSTRAINT omni_never_oversold CHECK (posted - held >= floor OR overcommitted = 1)
) STRICT, WITHOUT ROWID;
CREATE TABLE omni_holds (
  shop TEXT NOT NULL,
  id TEXT NOT NULL,
  unit TEXT NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL CHECK (target <> source),
  amount INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
  remaining INTEGER NOT NULL CHECK (remaining >= 0),
  settled INTEGER NOT NULL CHECK (settled >= 0),
  released INTEGER NOT NULL CHECK (released >= 0),
  expired INTEGER NOT NULL CHECK (expired >= 0),
  expires INTEGER,
  floor INTEGER,
  since INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'voided', 'expired')),
  PRIMARY KEY (shop, id),
  CONSTRAINT omni_hold_adds_up CHECK (settled + released + expired + remaining = amount),
  CONSTRAINT omni_hold_ends CHECK ((state = 'open') = (remaining > 0))
) STRICT, WITHOUT ROWID;
CREATE INDEX omni_holds_open ON omni_holds (shop, unit, source, expires) WHERE state = 'open';
CREATE TABLE omni_entries (
  seq INTEGER PRIMARY KEY,
  shop TEXT NOT NULL,
  id TEXT NOT NULL,
  unit TEXT NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL CHECK (target <> source),
  amount INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 1000000000000000),
  at INTEGER NOT NULL,
  fact INTEGER NOT NULL CHECK (fact IN (0, 1)),
  hold TEXT,
  position INTEGER CHECK (position > 0),
  UNIQUE (shop, id),
  FOREIGN KEY (shop, hold) REFERENCES omni_holds (shop, id)
) STRICT;
CREATE INDEX omni_entries_by_source ON omni_entries (shop, unit, source, position, amount);
CREATE INDEX omni_entries_by_target ON omni_entries (shop, unit, target, position, amount);
CREATE INDEX omni_entries_by_hold ON omni_entries (shop, hold, amount) WHERE hold IS NOT NULL;
CREATE INDEX omni_entries_unnumbered ON omni_entries (shop) WHERE position IS NULL;
CREATE TABLE omni_journal (
  seq INTEGER PRIMARY KEY,
  shop TEXT NOT NULL,
  id TEXT NOT NULL,
  type TEXT NOT NULL,
  about TEXT NOT NULL,
  at INTEGER NOT NULL,
  by TEXT NOT NULL,
  command TEXT,
  data TEXT NOT NULL,
  position INTEGER CHECK (position > 0),
  chain TEXT,
  UNIQUE (shop, id),
  UNIQUE (shop, position),
  CHECK ((position IS NULL) = (chain IS NULL))
) STRICT;
CREATE TABLE omni_heads (
  shop TEXT NOT NULL PRIMARY KEY,
  position INTEGER NOT NULL,
  chain TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TRIGGER omni_entries_change BEFORE UPDATE ON omni_entries
WHEN OLD.position IS NOT NULL OR NEW.hold IS NOT OLD.hold
  OR (NEW.seq, NEW.shop, NEW.id, NEW.unit, NEW.source, NEW.target, NEW.amount, NEW.at, NEW.fact)
  <> (OLD.seq, OLD.shop, OLD.id, OLD.unit, OLD.source, OLD.target, OLD.amount, OLD.at, OLD.fact)
BEGIN SELECT RAISE(ABORT, 'omni_entries only grows'); END;
CREATE TRIGGER omni_entries_delete BEFORE DELETE ON omni_entries
BEGIN SELECT RAISE(ABORT, 'omni_entries only grows'); END;
CREATE TRIGGER omni_journal_change BEFORE UPDATE ON omni_journal
WHEN OLD.position IS NOT NULL OR NEW.command IS NOT OLD.command
  OR (NEW.seq, NEW.shop, NEW.id, NEW.type, NEW.about, NEW.at, NEW.by, NEW.data)
  <> (OLD.seq, OLD.shop, OLD.id, OLD.type, OLD.about, OLD.at, OLD.by, OLD.data)
BEGIN SELECT RAISE(ABORT, 'omni_journal only grows'); END;
CREATE TRIGGER omni_journal_delete BEFORE DELETE ON omni_journal
BEGIN SELECT RAISE(ABORT, 'omni_journal only grows'); END;
PRAGMA application_id = 1869442665;
PRAGMA user_version = 1;
COMMIT;
