-- What pg_dump --schema-only carries, one of each, with rows where rows matter.
CREATE SCHEMA app;
CREATE SCHEMA "Odd ""One"" Ω";
CREATE SCHEMA empty;
COMMENT ON SCHEMA app IS 'the shop''s \ own';
CREATE EXTENSION hstore WITH SCHEMA app;
CREATE EXTENSION btree_gist WITH SCHEMA app;

CREATE COLLATION app.german (provider = icu, locale = 'de-u-co-phonebk', deterministic = false);
CREATE COLLATION app.bytes FROM "C";
CREATE TYPE app.mood AS ENUM ('sad', 'it''s "ok"', 'glad\');
ALTER TYPE app.mood ADD VALUE 'meh' BEFORE 'glad\';
CREATE FUNCTION app.has_at(v text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT v ~ ''@''';
CREATE DOMAIN app.email AS text COLLATE "C" DEFAULT 'a@b' CONSTRAINT has_at CHECK (app.has_at(VALUE)) CHECK (length(VALUE) < 200);
CREATE DOMAIN app.cents AS bigint NOT NULL;
ALTER DOMAIN app.cents ADD CONSTRAINT small CHECK (VALUE < 1000000000) NOT VALID;
COMMENT ON CONSTRAINT has_at ON DOMAIN app.email IS 'an at';
CREATE TYPE app.pair AS (a int, "B" varchar(7) COLLATE "C", m app.mood[]);
COMMENT ON COLUMN app.pair."B" IS 'a part';
COMMENT ON TYPE app.pair IS 'two and one';
CREATE FUNCTION app.distance(a double precision, b double precision) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS 'SELECT a - b';
CREATE TYPE app.span AS RANGE (subtype = double precision, subtype_diff = app.distance, multirange_type_name = app.spans);
CREATE DOMAIN app.pairs AS app.pair[];

CREATE FUNCTION app.add_to(state bigint, v bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN COALESCE(state, 0) + COALESCE(v, 0); END$$;
CREATE AGGREGATE app.total(bigint) (SFUNC = app.add_to, STYPE = bigint, INITCOND = '0');
COMMENT ON AGGREGATE app.total(bigint) IS 'all of it';
CREATE FUNCTION app.same(a app.pair, b app.pair) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT a.a = b.a';
CREATE OPERATOR app.=== (FUNCTION = app.same, LEFTARG = app.pair, RIGHTARG = app.pair, COMMUTATOR = OPERATOR(app.===), HASHES);
CREATE FUNCTION app.to_mood(i integer) RETURNS app.mood LANGUAGE sql STABLE AS 'SELECT ''sad''::app.mood';
CREATE CAST (integer AS app.mood) WITH FUNCTION app.to_mood(integer) AS ASSIGNMENT;
CREATE TEXT SEARCH DICTIONARY app.plain (TEMPLATE = pg_catalog.simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION app.english (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION app.english ALTER MAPPING FOR asciiword WITH app.plain, english_stem;

CREATE SEQUENCE app.loose AS integer START 5 INCREMENT BY -3 MINVALUE -100 MAXVALUE 7 CACHE 4 CYCLE;
SELECT nextval('app.loose'), nextval('app.loose');
CREATE SEQUENCE app.tickets START 100;
SELECT setval('app.tickets', 5000, false);
COMMENT ON SEQUENCE app.loose IS 'it goes down';
CREATE FUNCTION app.next_code() RETURNS text LANGUAGE sql AS $$SELECT 'c' || nextval('app.tickets')$$;

CREATE TABLE app.customer (
	id serial PRIMARY KEY,
	email app.email NOT NULL,
	mood app.mood DEFAULT 'glad\',
	balance app.cents,
	code text DEFAULT app.next_code(),
	ticket bigint DEFAULT nextval('app.loose'),
	label text NOT NULL DEFAULT 'L' || nextval('app.tickets')::text,
	joined timestamptz(3) NOT NULL DEFAULT now(),
	"Name" varchar(40) COLLATE "C" DEFAULT 'O''Neill',
	surname text COLLATE app.german,
	pair app.pair DEFAULT ROW(1, 'x', NULL)::app.pair,
	pairs app.pairs,
	span app.span,
	spans app.spans,
	extra app.hstore,
	doc jsonb DEFAULT '{}',
	words tsvector GENERATED ALWAYS AS (to_tsvector('pg_catalog.english'::regconfig, "Name"::text)) STORED,
	doubled bigint GENERATED ALWAYS AS (id * 2) STORED,
	big text,
	packed text COMPRESSION pglz,
	"select" int,
	"a very long name of a column that has just sixty-three bytes: x" int,
	"quote"" and 'apostrophe' and \ Ünïcødé 中文" int,
	during tstzrange,
	CONSTRAINT positive CHECK (balance >= 0) NO INHERIT,
	CONSTRAINT later CHECK (id < 1000000) NOT VALID,
	CONSTRAINT coded CHECK (app.has_at(email))
) WITH (fillfactor = 70, autovacuum_enabled = false, toast.autovacuum_enabled = false);
ALTER TABLE app.customer ALTER COLUMN big SET STORAGE EXTERNAL, ALTER COLUMN doc SET STORAGE MAIN;
ALTER TABLE app.customer ALTER COLUMN "Name" SET STATISTICS 500, ALTER COLUMN id SET (n_distinct = -1);
ALTER TABLE app.customer REPLICA IDENTITY FULL;
COMMENT ON TABLE app.customer IS 'who buys; it''s "them"';
COMMENT ON COLUMN app.customer.mood IS 'back\slash';
COMMENT ON CONSTRAINT positive ON app.customer IS 'no debt';
ALTER SEQUENCE app.tickets OWNED BY app.customer.label;
CREATE UNIQUE INDEX customer_email ON app.customer (lower(email) COLLATE "C" text_pattern_ops) WHERE balance > 0;
CREATE INDEX customer_name ON app.customer USING btree ("Name" DESC NULLS LAST, surname COLLATE "C" NULLS FIRST) INCLUDE (balance) WITH (fillfactor = 60);
CREATE UNIQUE INDEX customer_nulls ON app.customer (mood, "select") NULLS NOT DISTINCT;
CREATE INDEX customer_words ON app.customer USING gin (words);
CREATE INDEX customer_doc ON app.customer USING gin (doc jsonb_path_ops);
CREATE INDEX customer_hash ON app.customer USING hash (code);
CREATE INDEX customer_brin ON app.customer USING brin (joined) WITH (pages_per_range = 16);
CREATE INDEX customer_expr ON app.customer ((id % 10), (COALESCE(code, '')));
ALTER INDEX app.customer_expr ALTER COLUMN 1 SET STATISTICS 300;
COMMENT ON INDEX app.customer_name IS 'by name';
ALTER TABLE app.customer CLUSTER ON customer_name;
CREATE STATISTICS app.customer_stats (ndistinct, dependencies) ON mood, "Name" FROM app.customer;
ALTER STATISTICS app.customer_stats SET STATISTICS 77;
COMMENT ON STATISTICS app.customer_stats IS 'together';

CREATE TABLE app.ordered (
	customer int NOT NULL,
	line smallint NOT NULL GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5 MINVALUE 10 MAXVALUE 30000 CACHE 2),
	kind int GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME app.own_name),
	room int,
	during tstzrange NOT NULL DEFAULT '[2024-01-01,2024-02-01)',
	parent int,
	CONSTRAINT ordered_pk PRIMARY KEY (customer, line) INCLUDE (room),
	CONSTRAINT ordered_unique UNIQUE (customer, kind),
	CONSTRAINT ordered_late UNIQUE (kind, room) DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT no_overlap EXCLUDE USING gist (room app.gist_int4_ops WITH =, during WITH &&) WHERE (room > 0) DEFERRABLE,
	CONSTRAINT to_customer FOREIGN KEY (customer) REFERENCES app.customer ON UPDATE SET NULL ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	CONSTRAINT to_self FOREIGN KEY (customer, parent) REFERENCES app.ordered (customer, kind) NOT VALID
);
ALTER INDEX app.ordered_pk SET (fillfactor = 80);
ALTER TABLE app.ordered REPLICA IDENTITY USING INDEX ordered_pk;
COMMENT ON CONSTRAINT to_customer ON app.ordered IS 'whose';

-- Cyclic keys.
CREATE TABLE app.chicken (id int PRIMARY KEY, egg int);
CREATE TABLE app.egg (id int PRIMARY KEY, chicken int REFERENCES app.chicken);
ALTER TABLE app.chicken ADD FOREIGN KEY (egg) REFERENCES app.egg MATCH FULL DEFERRABLE;

-- Partitions at two levels, one with columns in another order, indexes and constraints of their own.
CREATE TABLE app.event (at date NOT NULL, kind text NOT NULL DEFAULT 'none', n bigint NOT NULL DEFAULT nextval('app.tickets'), PRIMARY KEY (at, kind, n)) PARTITION BY RANGE (at);
CREATE TABLE app.event_2023 PARTITION OF app.event FOR VALUES FROM ('2023-01-01') TO ('2024-01-01') WITH (fillfactor = 90);
CREATE TABLE app.event_2024 PARTITION OF app.event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (kind);
CREATE TABLE app.event_2024_a PARTITION OF app.event_2024 FOR VALUES IN ('a', 'it''s');
CREATE TABLE app.event_2024_rest PARTITION OF app.event_2024 DEFAULT;
CREATE TABLE "Odd ""One"" Ω"."Attached" (n bigint NOT NULL, kind text NOT NULL DEFAULT 'late', at date NOT NULL, CONSTRAINT own CHECK (n > 0));
ALTER TABLE app.event ATTACH PARTITION "Odd ""One"" Ω"."Attached" FOR VALUES FROM ('2025-01-01') TO (MAXVALUE);
CREATE INDEX event_kind ON app.event (kind);
CREATE INDEX only_here ON app.event_2023 (n);
ALTER INDEX app.event_2023_kind_idx RENAME TO "renamed Index";
ALTER TABLE app.event ADD CONSTRAINT event_check CHECK (kind <> '');
COMMENT ON TABLE app.event_2023 IS 'the past';
CREATE TABLE app.hashed (id int, v text) PARTITION BY HASH (id);
CREATE TABLE app.hashed_0 PARTITION OF app.hashed FOR VALUES WITH (modulus 2, remainder 0);
CREATE TABLE app.hashed_1 PARTITION OF app.hashed FOR VALUES WITH (modulus 2, remainder 1);

-- Inheritance, with a grandchild that comes before its parents by name.
CREATE TABLE app.parent (id int PRIMARY KEY, v text NOT NULL DEFAULT 'p', CONSTRAINT v_there CHECK (v <> ''));
CREATE TABLE app.child (extra int DEFAULT 3) INHERITS (app.parent);
ALTER TABLE app.child ALTER COLUMN v SET DEFAULT 'c';
CREATE TABLE app.a_grandchild (more int) INHERITS (app.child);

CREATE UNLOGGED TABLE "Odd ""One"" Ω"."odd; DROP TABLE x; --" ("Select" text NOT NULL, "new
line" int, PRIMARY KEY ("Select"));
CREATE TABLE app.nothing ();

CREATE VIEW app.rich (who, "Mood") WITH (security_barrier = true) AS SELECT id, mood FROM app.customer WHERE balance > 10;
CREATE VIEW app.a_first AS SELECT * FROM app.rich;
CREATE VIEW app.checked AS SELECT id, balance FROM app.customer WHERE balance > 0 WITH LOCAL CHECK OPTION;
ALTER VIEW app.checked ALTER COLUMN balance SET DEFAULT 1;
COMMENT ON VIEW app.rich IS 'rich ones';
COMMENT ON COLUMN app.rich.who IS 'them';
CREATE MATERIALIZED VIEW app.stored AS SELECT count(*) AS n, mood FROM app.customer GROUP BY mood;
CREATE UNIQUE INDEX stored_mood ON app.stored (mood);
COMMENT ON MATERIALIZED VIEW app.stored IS 'kept';
CREATE MATERIALIZED VIEW app.unfilled AS SELECT who FROM app.rich WITH NO DATA;
CREATE FUNCTION app.all_of() RETURNS SETOF app.customer LANGUAGE sql STABLE ROWS 5 AS 'SELECT * FROM app.customer';
CREATE FUNCTION app.counted(OUT n bigint) LANGUAGE sql STABLE BEGIN ATOMIC SELECT count(*) FROM app.customer; END;
CREATE VIEW app.over AS SELECT a.id FROM app.all_of() a;
CREATE PROCEDURE app.reset(INOUT n int DEFAULT 4, VARIADIC rest text[] DEFAULT '{}') LANGUAGE plpgsql SECURITY DEFINER SET search_path TO 'app', 'pg_temp' AS $$BEGIN DELETE FROM customer WHERE id = n; END$$;
COMMENT ON PROCEDURE app.reset(int, text[]) IS 'again';
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.joined := now(); RETURN NEW; END$$;
CREATE TRIGGER touch BEFORE UPDATE OF email ON app.customer FOR EACH ROW WHEN (old.email IS DISTINCT FROM new.email) EXECUTE FUNCTION app.touch('it''s');
CREATE TRIGGER quiet AFTER INSERT ON app.customer REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION app.touch();
ALTER TABLE app.customer DISABLE TRIGGER quiet;
CREATE CONSTRAINT TRIGGER at_end AFTER DELETE ON app.customer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE app.customer ENABLE ALWAYS TRIGGER at_end;
CREATE TRIGGER per_part BEFORE INSERT ON app.event FOR EACH ROW EXECUTE FUNCTION app.touch();
COMMENT ON TRIGGER touch ON app.customer IS 'on touch';
CREATE RULE ignore AS ON DELETE TO app.child WHERE old.extra > 3 DO INSTEAD NOTHING;
CREATE RULE through AS ON INSERT TO app.rich DO INSTEAD INSERT INTO app.chicken (id) VALUES (new.who);
ALTER TABLE app.customer ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.customer FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON app.customer AS RESTRICTIVE FOR UPDATE TO PUBLIC USING (balance > 0) WITH CHECK (balance < 100);
CREATE POLICY see ON app.customer FOR SELECT USING (true);
COMMENT ON POLICY see ON app.customer IS 'all';
GRANT SELECT, INSERT ON app.customer TO PUBLIC;
GRANT UPDATE (email, "Name") ON app.customer TO PUBLIC;
GRANT USAGE ON SEQUENCE app.customer_id_seq TO PUBLIC;
GRANT USAGE ON SCHEMA app TO PUBLIC;
REVOKE EXECUTE ON FUNCTION app.next_code() FROM PUBLIC;
REVOKE USAGE ON TYPE app.mood FROM PUBLIC;
GRANT SELECT ON app.rich TO PUBLIC;

INSERT INTO app.customer (email, mood, balance, "Name", pair, pairs, span, spans, extra, big, "select")
	SELECT 'u' || i || '@x', (ARRAY['sad', 'it''s "ok"', 'glad\'])[i % 3 + 1]::app.mood, i, 'n' || i, ROW(i, 'b', ARRAY['sad']::app.mood[])::app.pair,
		ARRAY[ROW(i, NULL, NULL)::app.pair], app.span(i, i + 1.5), app.spans(app.span(i, i + 1)), 'a=>1', repeat('x', 3000), i
	FROM generate_series(1, 300) i;
DELETE FROM app.customer WHERE id > 290;
INSERT INTO app.ordered (customer, room, during) SELECT i, 1, tstzrange('2024-01-01'::timestamptz + i * interval '1 day', '2024-01-02'::timestamptz + i * interval '1 day') FROM generate_series(1, 200) i;
ALTER TABLE app.event DISABLE TRIGGER per_part;
INSERT INTO app.event (at, kind) SELECT '2023-01-01'::date + i, (ARRAY['a', 'it''s', 'z'])[i % 3 + 1] FROM generate_series(1, 1100) i;
ALTER TABLE app.event ENABLE TRIGGER per_part;
INSERT INTO app.hashed SELECT i, 'v' FROM generate_series(1, 500) i;
INSERT INTO "Odd ""One"" Ω"."odd; DROP TABLE x; --" SELECT 'k' || i, i FROM generate_series(1, 50) i;
INSERT INTO app.parent VALUES (1, 'p'), (2, 'q');
INSERT INTO app.child VALUES (1, 'c', 9);
INSERT INTO app.a_grandchild VALUES (1, 'g', 9, 4);
INSERT INTO app.chicken VALUES (1); INSERT INTO app.egg VALUES (1, 1); UPDATE app.chicken SET egg = 1;
REFRESH MATERIALIZED VIEW app.stored;
