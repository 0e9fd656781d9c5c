-- The seal of the audit: what was sealed in which order, the tree over it, its signed heads, the keys.

CREATE TABLE clinic_data.audit_logs (
    tenant_id uuid NOT NULL,
    tree_size bigint NOT NULL DEFAULT 0,
    head_no integer NOT NULL DEFAULT 0,
    run_no integer NOT NULL DEFAULT 1,
    system_identifier text NOT NULL,
    after_transaction_id xid8 NOT NULL DEFAULT '0',
    after_audit_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    pass_transaction_id xid8,
    foreign_transaction_id xid8 NOT NULL DEFAULT '0',
    exported_head_no integer NOT NULL DEFAULT 0,
    CONSTRAINT audit_logs_pkey PRIMARY KEY (tenant_id),
    CONSTRAINT audit_logs_tree_size_check CHECK (tree_size >= 0),
    CONSTRAINT audit_logs_head_no_check CHECK (head_no >= exported_head_no AND exported_head_no >= 0),
    CONSTRAINT audit_logs_run_no_check CHECK (run_no > 0)
);
COMMENT ON TABLE clinic_data.audit_logs IS
    'How far the sealing of each tenant''s audit has come. It is not part of the proof: without it everything is looked at once more.';
COMMENT ON COLUMN clinic_data.audit_logs.tenant_id IS 'The tenant; the nil UUID for what concerns none.';
COMMENT ON COLUMN clinic_data.audit_logs.tree_size IS 'How many records are sealed.';
COMMENT ON COLUMN clinic_data.audit_logs.head_no IS 'The latest head; 0 before the first.';
COMMENT ON COLUMN clinic_data.audit_logs.run_no IS 'The present run of positions: within one, (transaction_id, audit_id) ascends.';
COMMENT ON COLUMN clinic_data.audit_logs.system_identifier IS
    'The cluster whose transaction ids the next columns are; another one: everything is looked at once, as after a restore.';
COMMENT ON COLUMN clinic_data.audit_logs.after_transaction_id IS 'All up to (after_transaction_id, after_audit_id) is sealed, of transactions that are over.';
COMMENT ON COLUMN clinic_data.audit_logs.after_audit_id IS 'See after_transaction_id.';
COMMENT ON COLUMN clinic_data.audit_logs.pass_transaction_id IS
    'While everything is looked at: the oldest transaction that ran when that began. Where sealing goes on afterwards.';
COMMENT ON COLUMN clinic_data.audit_logs.foreign_transaction_id IS
    'The largest transaction id sealed by such a look: up to it a record with an id of this cluster may be one of an earlier cluster, sealed long ago.';
COMMENT ON COLUMN clinic_data.audit_logs.exported_head_no IS 'The latest head that was written to the file of clinic.seal_export_file.';

CREATE TABLE clinic_data.audit_leaves (
    tenant_id uuid NOT NULL,
    first_position bigint NOT NULL,
    leaf_count integer NOT NULL,
    run_no integer NOT NULL,
    first_transaction_id xid8 NOT NULL,
    first_audit_id uuid NOT NULL,
    last_transaction_id xid8 NOT NULL,
    last_audit_id uuid NOT NULL,
    audit_ids bytea NOT NULL,
    leaf_hashes bytea NOT NULL,
    CONSTRAINT audit_leaves_pkey PRIMARY KEY (tenant_id, first_position),
    CONSTRAINT audit_leaves_first_position_check CHECK (first_position >= 0),
    CONSTRAINT audit_leaves_leaf_count_check CHECK (leaf_count BETWEEN 1 AND 160),
    CONSTRAINT audit_leaves_audit_ids_check CHECK (octet_length(audit_ids) = 16 * leaf_count),
    CONSTRAINT audit_leaves_leaf_hashes_check CHECK (octet_length(leaf_hashes) = 32 * leaf_count)
) WITH (toast_tuple_target = 8160);
-- A full row fills a page, uncompressed: hashes have nothing to compress.
ALTER TABLE clinic_data.audit_leaves ALTER COLUMN audit_ids SET STORAGE EXTERNAL, ALTER COLUMN leaf_hashes SET STORAGE EXTERNAL;
CREATE INDEX audit_leaves_run_no_idx ON clinic_data.audit_leaves (tenant_id, run_no, first_transaction_id, first_audit_id);
COMMENT ON TABLE clinic_data.audit_leaves IS 'The sealed records in the order of their positions, up to 160 a row; append-only, and kept when records are purged.';
COMMENT ON COLUMN clinic_data.audit_leaves.tenant_id IS 'The tenant; the nil UUID for what concerns none.';
COMMENT ON COLUMN clinic_data.audit_leaves.first_position IS 'Position of the first record, from 0; without gaps.';
COMMENT ON COLUMN clinic_data.audit_leaves.leaf_count IS 'How many records.';
COMMENT ON COLUMN clinic_data.audit_leaves.run_no IS 'The run they belong to.';
COMMENT ON COLUMN clinic_data.audit_leaves.first_transaction_id IS 'Transaction of the first record.';
COMMENT ON COLUMN clinic_data.audit_leaves.first_audit_id IS 'Id of the first record.';
COMMENT ON COLUMN clinic_data.audit_leaves.last_transaction_id IS 'Transaction of the last record.';
COMMENT ON COLUMN clinic_data.audit_leaves.last_audit_id IS 'Id of the last record.';
COMMENT ON COLUMN clinic_data.audit_leaves.audit_ids IS 'The records'' ids, 16 bytes each.';
COMMENT ON COLUMN clinic_data.audit_leaves.leaf_hashes IS 'The records'' leaf hashes, 32 bytes each.';

CREATE TABLE clinic_data.audit_nodes (
    tenant_id uuid NOT NULL,
    level integer NOT NULL,
    node_no bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_nodes_pkey PRIMARY KEY (tenant_id, level, node_no),
    CONSTRAINT audit_nodes_level_check CHECK (level BETWEEN 8 AND 62),
    CONSTRAINT audit_nodes_node_no_check CHECK (node_no >= 0),
    CONSTRAINT audit_nodes_hash_check CHECK (octet_length(hash) = 32)
);
COMMENT ON TABLE clinic_data.audit_nodes IS
    'Hashes of complete subtrees of 256 leaves and more, so that a proof reads a few rows of a log of any size; append-only.';
COMMENT ON COLUMN clinic_data.audit_nodes.tenant_id IS 'The tenant; the nil UUID for what concerns none.';
COMMENT ON COLUMN clinic_data.audit_nodes.level IS 'The subtree has 2^level leaves.';
COMMENT ON COLUMN clinic_data.audit_nodes.node_no IS 'Its leaves begin at position node_no * 2^level.';
COMMENT ON COLUMN clinic_data.audit_nodes.hash IS 'SHA-256 of 0x01 and the hashes of both halves.';

CREATE TABLE clinic_data.audit_seal_keys (
    tenant_id uuid NOT NULL,
    key_id text NOT NULL,
    public_key bytea NOT NULL,
    first_used_at timestamptz NOT NULL,
    CONSTRAINT audit_seal_keys_pkey PRIMARY KEY (tenant_id, key_id),
    CONSTRAINT audit_seal_keys_key_id_check CHECK (key_id ~ '^[0-9a-f]{64}$'),
    CONSTRAINT audit_seal_keys_public_key_check CHECK (octet_length(public_key) = 32)
);
COMMENT ON TABLE clinic_data.audit_seal_keys IS 'Public halves of the Ed25519 keys that have signed heads of a log; append-only.';
COMMENT ON COLUMN clinic_data.audit_seal_keys.tenant_id IS 'The tenant; the nil UUID for what concerns none.';
COMMENT ON COLUMN clinic_data.audit_seal_keys.key_id IS 'SHA-256 of the public key, in hexadecimal digits.';
COMMENT ON COLUMN clinic_data.audit_seal_keys.public_key IS 'The public key, 32 bytes (RFC 8032).';
COMMENT ON COLUMN clinic_data.audit_seal_keys.first_used_at IS 'When it first signed, by the server''s wall clock.';

CREATE TABLE clinic_data.audit_heads (
    tenant_id uuid NOT NULL,
    tree_size bigint NOT NULL,
    head_no integer NOT NULL,
    root_hash bytea NOT NULL,
    previous_tree_size bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    sealed_transaction_id xid8 NOT NULL,
    key_id text,
    signature bytea,
    CONSTRAINT audit_heads_pkey PRIMARY KEY (tenant_id, tree_size),
    CONSTRAINT audit_heads_head_no_key UNIQUE (tenant_id, head_no),
    CONSTRAINT audit_heads_key_id_fkey FOREIGN KEY (tenant_id, key_id) REFERENCES clinic_data.audit_seal_keys (tenant_id, key_id),
    CONSTRAINT audit_heads_tree_size_check CHECK (tree_size > previous_tree_size AND previous_tree_size >= 0),
    CONSTRAINT audit_heads_head_no_check CHECK (head_no > 0),
    CONSTRAINT audit_heads_root_hash_check CHECK (octet_length(root_hash) = 32),
    CONSTRAINT audit_heads_signature_check CHECK ((signature IS NULL) = (key_id IS NULL) AND octet_length(signature) = 64)
);
CREATE INDEX audit_heads_key_id_idx ON clinic_data.audit_heads (tenant_id, key_id);
COMMENT ON TABLE clinic_data.audit_heads IS 'Heads of the logs: how many records, and the root over them, signed; append-only.';
COMMENT ON COLUMN clinic_data.audit_heads.tenant_id IS 'The tenant; the nil UUID for what concerns none.';
COMMENT ON COLUMN clinic_data.audit_heads.tree_size IS 'How many records the log had.';
COMMENT ON COLUMN clinic_data.audit_heads.head_no IS 'Counts the heads of the log, from 1.';
COMMENT ON COLUMN clinic_data.audit_heads.root_hash IS 'Root of the tree over them (RFC 6962).';
COMMENT ON COLUMN clinic_data.audit_heads.previous_tree_size IS 'Size of the head before; 0 for the first.';
COMMENT ON COLUMN clinic_data.audit_heads.sealed_at IS 'When, by the server''s wall clock.';
COMMENT ON COLUMN clinic_data.audit_heads.sealed_transaction_id IS 'The oldest transaction that still ran: what it and later ones wrote was not sealed yet.';
COMMENT ON COLUMN clinic_data.audit_heads.key_id IS 'The key that signed; null: no key was set up.';
COMMENT ON COLUMN clinic_data.audit_heads.signature IS 'Ed25519 over the text of the head.';
