-- SPDX-License-Identifier: Apache-2.0
CREATE TABLE users (
        name          TEXT    NOT NULL PRIMARY KEY,
        role          TEXT    NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
        password_hash TEXT    NOT NULL,  -- of crypt(5); "" for none: then only tokens work
        created       INTEGER NOT NULL   -- seconds since the epoch, as all times here
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
        id        TEXT    NOT NULL PRIMARY KEY,
        user_name TEXT    NOT NULL REFERENCES users (name) ON DELETE CASCADE,
        digest    BLOB    NOT NULL UNIQUE,      -- SHA-256 of the token
        scopes    TEXT    NOT NULL,
        label     TEXT    NOT NULL,             -- for people
        created   INTEGER NOT NULL,
        expires   INTEGER NOT NULL,             -- 0: never
        last_used INTEGER NOT NULL DEFAULT 0    -- to the minute; 0: never
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_of_user ON tokens (user_name);
