-- Which store this is, and the server that has it: one row.
CREATE TABLE store_identity (
    only_row INTEGER NOT NULL PRIMARY KEY,
    store_id TEXT NOT NULL,
    holder_id TEXT,
    holder TEXT
);
