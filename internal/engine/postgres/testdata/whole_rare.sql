-- What few databases have and pg_dump --schema-only carries.
CREATE SCHEMA rare;

-- A base type, which is an integer by another name, with operators for indexes.
CREATE TYPE rare.meters;
CREATE FUNCTION rare.meters_in(cstring) RETURNS rare.meters LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int4in';
CREATE FUNCTION rare.meters_out(rare.meters) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'int4out';
CREATE FUNCTION rare.meters_receive(internal) RETURNS rare.meters LANGUAGE internal IMMUTABLE STRICT AS 'int4recv';
CREATE FUNCTION rare.meters_send(rare.meters) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT AS 'int4send';
CREATE TYPE rare.meters (INPUT = rare.meters_in, OUTPUT = rare.meters_out, RECEIVE = rare.meters_receive, SEND = rare.meters_send,
	INTERNALLENGTH = 4, PASSEDBYVALUE, ALIGNMENT = int4, CATEGORY = 'N', DEFAULT = '7', DELIMITER = ';');
COMMENT ON TYPE rare.meters IS 'how far';
COMMENT ON FUNCTION rare.meters_in(cstring) IS 'in';
CREATE TYPE rare.note;
CREATE FUNCTION rare.note_in(cstring) RETURNS rare.note LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION rare.note_out(rare.note) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE rare.note (INPUT = rare.note_in, OUTPUT = rare.note_out, INTERNALLENGTH = VARIABLE, STORAGE = extended, COLLATABLE = true);
CREATE TYPE rare.shell;
COMMENT ON TYPE rare.shell IS 'not there yet';
CREATE CAST (rare.meters AS integer) WITHOUT FUNCTION AS IMPLICIT;
COMMENT ON CAST (rare.meters AS integer) IS 'the same bits';
CREATE CAST (rare.note AS text) WITH INOUT AS ASSIGNMENT;
CREATE FUNCTION rare.lt(rare.meters, rare.meters) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION rare.le(rare.meters, rare.meters) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4le';
CREATE FUNCTION rare.eq(rare.meters, rare.meters) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4eq';
CREATE FUNCTION rare.ge(rare.meters, rare.meters) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4ge';
CREATE FUNCTION rare.gt(rare.meters, rare.meters) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4gt';
CREATE FUNCTION rare.cmp(rare.meters, rare.meters) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE FUNCTION rare.minus(rare.meters) RETURNS rare.meters LANGUAGE internal IMMUTABLE STRICT AS 'int4um';
CREATE OPERATOR rare.< (FUNCTION = rare.lt, LEFTARG = rare.meters, RIGHTARG = rare.meters, COMMUTATOR = OPERATOR(rare.>), NEGATOR = OPERATOR(rare.>=), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR rare.<= (FUNCTION = rare.le, LEFTARG = rare.meters, RIGHTARG = rare.meters, COMMUTATOR = OPERATOR(rare.>=), NEGATOR = OPERATOR(rare.>), RESTRICT = scalarlesel);
CREATE OPERATOR rare.= (FUNCTION = rare.eq, LEFTARG = rare.meters, RIGHTARG = rare.meters, COMMUTATOR = OPERATOR(rare.=), RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES);
CREATE OPERATOR rare.>= (FUNCTION = rare.ge, LEFTARG = rare.meters, RIGHTARG = rare.meters, COMMUTATOR = OPERATOR(rare.<=), NEGATOR = OPERATOR(rare.<), RESTRICT = scalargesel);
CREATE OPERATOR rare.> (FUNCTION = rare.gt, LEFTARG = rare.meters, RIGHTARG = rare.meters, COMMUTATOR = OPERATOR(rare.<), NEGATOR = OPERATOR(rare.<=), RESTRICT = scalargtsel);
CREATE OPERATOR rare.!- (FUNCTION = rare.minus, RIGHTARG = rare.meters);
COMMENT ON OPERATOR rare.!- (NONE, rare.meters) IS 'backwards';
COMMENT ON OPERATOR rare.< (rare.meters, rare.meters) IS 'nearer';
CREATE OPERATOR CLASS rare.meters_ops DEFAULT FOR TYPE rare.meters USING btree AS OPERATOR 1 rare.<, OPERATOR 2 rare.<=, OPERATOR 3 rare.=, OPERATOR 4 rare.>=, OPERATOR 5 rare.>,
	FUNCTION 1 rare.cmp(rare.meters, rare.meters);
COMMENT ON OPERATOR CLASS rare.meters_ops USING btree IS 'in order';
COMMENT ON OPERATOR FAMILY rare.meters_ops USING btree IS 'and its like';
CREATE FUNCTION rare.lt_int(rare.meters, integer) RETURNS boolean LANGUAGE internal IMMUTABLE STRICT AS 'int4lt';
CREATE FUNCTION rare.cmp_int(rare.meters, integer) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE OPERATOR rare.< (FUNCTION = rare.lt_int, LEFTARG = rare.meters, RIGHTARG = integer);
ALTER OPERATOR FAMILY rare.meters_ops USING btree ADD OPERATOR 1 rare.< (rare.meters, integer), FUNCTION 1 (rare.meters, integer) rare.cmp_int(rare.meters, integer);
CREATE OPERATOR FAMILY rare.nothing USING hash;

-- Ranges: one that is normalized, one with a collation and an operator class of its own.
CREATE TYPE rare.course;
CREATE FUNCTION rare.normal(rare.course) RETURNS rare.course LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
CREATE TYPE rare.course AS RANGE (SUBTYPE = integer, CANONICAL = rare.normal, SUBTYPE_DIFF = int4range_subdiff, MULTIRANGE_TYPE_NAME = rare.courses);
CREATE TYPE rare.words AS RANGE (SUBTYPE = text, COLLATION = "C", SUBTYPE_OPCLASS = text_pattern_ops);
COMMENT ON FUNCTION rare.normal(rare.course) IS 'half open';

CREATE TABLE rare.measured (
	id integer PRIMARY KEY,
	away rare.meters NOT NULL DEFAULT '3',
	many rare.meters[],
	note rare.note COLLATE "C",
	along rare.course DEFAULT '[1,4]',
	every rare.courses,
	said rare.words,
	UNIQUE (away, id)
);
CREATE INDEX measured_away ON rare.measured (away DESC);
CREATE INDEX measured_along ON rare.measured USING gist (along);

CREATE AGGREGATE rare.part(double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
COMMENT ON AGGREGATE rare.part(double precision ORDER BY anyelement) IS 'so much of it';
CREATE AGGREGATE rare.moving(integer) (SFUNC = int4_sum, STYPE = bigint, COMBINEFUNC = int8pl, MSFUNC = int4_avg_accum, MINVFUNC = int4_avg_accum_inv, MSTYPE = bigint[],
	MFINALFUNC = int2int4_sum, MINITCOND = '{0,0}', PARALLEL = safe);
CREATE AGGREGATE rare.any_of(*) (SFUNC = int8inc, STYPE = bigint, INITCOND = '0');

-- A typed table.
CREATE TYPE rare.person AS (name text, born date);
CREATE TABLE rare.people OF rare.person (PRIMARY KEY (name), born WITH OPTIONS NOT NULL DEFAULT '2000-01-01', CHECK (born > '1900-01-01'));

-- Code of the server under other names.
CREATE ACCESS METHOD rare_heap TYPE TABLE HANDLER heap_tableam_handler;
COMMENT ON ACCESS METHOD rare_heap IS 'a heap';
CREATE ACCESS METHOD rare_tree TYPE INDEX HANDLER bthandler;
CREATE TABLE rare.kept (id integer PRIMARY KEY, v text) USING rare_heap WITH (fillfactor = 50);
CREATE FUNCTION rare.call_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE FUNCTION rare.inline_handler(internal) RETURNS void STRICT LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_inline_handler';
CREATE FUNCTION rare.validator(oid) RETURNS void STRICT LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_validator';
CREATE TRUSTED LANGUAGE "Rare PL" HANDLER rare.call_handler INLINE rare.inline_handler VALIDATOR rare.validator;
COMMENT ON LANGUAGE "Rare PL" IS 'plpgsql by another name';
CREATE FUNCTION rare.said() RETURNS text LANGUAGE "Rare PL" AS $$BEGIN RETURN 'said'; END$$;
CREATE FUNCTION rare.from_sql(internal) RETURNS internal LANGUAGE internal IMMUTABLE STRICT AS 'varchar_support';
CREATE TRANSFORM FOR rare.meters LANGUAGE "Rare PL" (FROM SQL WITH FUNCTION rare.from_sql(internal));
COMMENT ON TRANSFORM FOR rare.meters LANGUAGE "Rare PL" IS 'as it is';
CREATE DEFAULT CONVERSION rare.latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
COMMENT ON CONVERSION rare.latin IS 'from the west';
CREATE TEXT SEARCH PARSER rare.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, HEADLINE = prsd_headline, LEXTYPES = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE rare.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY rare.dictionary (TEMPLATE = rare.template, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION rare.search (PARSER = rare.parser);
ALTER TEXT SEARCH CONFIGURATION rare.search ADD MAPPING FOR word, asciiword WITH rare.dictionary, simple;
COMMENT ON TEXT SEARCH PARSER rare.parser IS 'p';
COMMENT ON TEXT SEARCH TEMPLATE rare.template IS 't';
COMMENT ON TEXT SEARCH DICTIONARY rare.dictionary IS 'd';
COMMENT ON TEXT SEARCH CONFIGURATION rare.search IS 'c';

-- Other servers.
CREATE EXTENSION postgres_fdw WITH SCHEMA rare;
CREATE FOREIGN DATA WRAPPER rare_wrapper OPTIONS (debug 'it''s on');
COMMENT ON FOREIGN DATA WRAPPER rare_wrapper IS 'wraps';
CREATE SERVER "Rare Server" TYPE 'kind' VERSION '1.0' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'elsewhere', dbname 'it''s');
COMMENT ON SERVER "Rare Server" IS 'far away';
CREATE SERVER bare FOREIGN DATA WRAPPER rare_wrapper;
CREATE USER MAPPING FOR PUBLIC SERVER bare OPTIONS (who 'anyone');
CREATE USER MAPPING FOR CURRENT_USER SERVER bare;
CREATE TABLE rare.near (id integer NOT NULL, v text DEFAULT 'near');
CREATE FOREIGN TABLE rare.far (
	id integer OPTIONS (column_name 'ID') NOT NULL,
	"V" text COLLATE "C" DEFAULT 'it''s',
	twice integer GENERATED ALWAYS AS (id * 2) STORED,
	away rare.meters,
	CONSTRAINT small CHECK (id < 100)
) SERVER "Rare Server" OPTIONS (schema_name 'There', table_name 'It');
CREATE FOREIGN TABLE rare.far_heir (more integer) INHERITS (rare.near) SERVER bare;
COMMENT ON FOREIGN TABLE rare.far IS 'elsewhere';
COMMENT ON COLUMN rare.far."V" IS 'v';
ALTER FOREIGN TABLE rare.far ALTER COLUMN id SET STATISTICS 77;
CREATE VIEW rare.both_ends AS SELECT n.id, f."V" FROM rare.near n JOIN rare.far f USING (id);

-- Parts of tables that need routines which need tables.
CREATE TABLE rare.doc (id integer PRIMARY KEY, title text, body text);
CREATE FUNCTION rare.found(rare.doc) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$SELECT to_tsvector('pg_catalog.english', $1.title)$$;
CREATE FUNCTION rare.fine(rare.doc) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1.id > 0';
CREATE INDEX doc_found ON rare.doc USING gin (rare.found(doc));
ALTER TABLE rare.doc ADD CONSTRAINT "is Fine" CHECK (rare.fine(doc));
CREATE FUNCTION rare.top() RETURNS integer LANGUAGE sql STABLE BEGIN ATOMIC SELECT max(id) FROM rare.doc; END;
CREATE TABLE rare.after (id integer PRIMARY KEY, n integer DEFAULT rare.top());

-- What is published.
CREATE PUBLICATION rare_all FOR ALL TABLES WITH (publish = 'insert, truncate');
CREATE PUBLICATION "Rare Some" FOR TABLE rare.doc (id, title) WHERE (id > 3), ONLY rare.kept WITH (publish_via_partition_root = true);
CREATE PUBLICATION rare_schema FOR TABLES IN SCHEMA rare;
COMMENT ON PUBLICATION rare_all IS 'all of it';

COMMENT ON SCHEMA public IS 'where anyone may make tables';
GRANT CREATE ON SCHEMA public TO PUBLIC;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
REVOKE USAGE ON LANGUAGE "Rare PL" FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION rare.said() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO PUBLIC;
REVOKE EXECUTE ON FUNCTION rare.postgres_fdw_disconnect_all() FROM PUBLIC;
GRANT USAGE ON FOREIGN SERVER bare TO PUBLIC;
GRANT USAGE ON FOREIGN DATA WRAPPER rare_wrapper TO PUBLIC;
GRANT SELECT ON rare.far TO PUBLIC;
GRANT USAGE ON SCHEMA rare TO PUBLIC;

INSERT INTO rare.measured SELECT i, i::text::rare.meters, ARRAY[i::text, NULL]::rare.meters[], ('n' || i)::rare.note, rare.course(i, i + 2, '[]'), rare.courses(rare.course(i, i + 1)), rare.words('a', 'b' || i)
	FROM generate_series(1, 300) i;
INSERT INTO rare.people SELECT 'p' || i, '2000-01-01'::date + i FROM generate_series(1, 50) i;
INSERT INTO rare.kept SELECT i, 'k' FROM generate_series(1, 50) i;
INSERT INTO rare.doc SELECT i, 't' || i, 'b' FROM generate_series(1, 150) i;

ALTER DEFAULT PRIVILEGES IN SCHEMA rare GRANT SELECT, INSERT ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;

-- It would stop whatever came behind it.
CREATE FUNCTION rare.no_more() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'nothing more is made here'; END$$;
CREATE EVENT TRIGGER rare_watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION rare.no_more();
ALTER EVENT TRIGGER rare_watch ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER rare_watch IS 'watches';
CREATE EVENT TRIGGER "Rare End" ON ddl_command_start EXECUTE FUNCTION rare.no_more();
