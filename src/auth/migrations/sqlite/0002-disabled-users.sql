-- SPDX-License-Identifier: Apache-2.0
-- A user who is disabled keeps password and tokens, and none of them is let in.
ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));
