-- Every kind of object by one kind of name; each {letter} is a name that ends with it.
CREATE SCHEMA {s};
CREATE COLLATION {s}.{o} FROM "C";
CREATE TYPE {s}.{e} AS ENUM ({'v});
CREATE DOMAIN {s}.{d} AS text COLLATE {s}.{o} CONSTRAINT {k} CHECK (VALUE <> {'v});
CREATE TYPE {s}.{p} AS ({c} integer, {b} {s}.{e});
CREATE TYPE {s}.{r} AS RANGE (subtype = integer, multirange_type_name = {s}.{^m});
CREATE SEQUENCE {s}.{q};
CREATE FUNCTION {s}.{f}({a} integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE PROCEDURE {s}.{g}(INOUT {a} integer DEFAULT 1) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE {s}.{h}(integer) (SFUNC = int4pl, STYPE = integer);
CREATE TEXT SEARCH DICTIONARY {s}.{y} (TEMPLATE = simple);
CREATE TEXT SEARCH CONFIGURATION {s}.{z} (PARSER = default);
ALTER TEXT SEARCH CONFIGURATION {s}.{z} ADD MAPPING FOR word WITH {s}.{y};
CREATE OPERATOR FAMILY {s}.{w} USING btree;
CREATE TABLE {s}.{t} (
	{a} integer GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME {s}.{1}),
	{b} integer NOT NULL DEFAULT nextval({'s.q}::regclass),
	{c} {s}.{d} DEFAULT {'w},
	{d} {s}.{e},
	{e} {s}.{p},
	{f} {s}.{r}[],
	{g} integer GENERATED ALWAYS AS ({s}.{f}({a})) STORED,
	{h} integer DEFAULT {s}.{f}(1),
	CONSTRAINT {k} PRIMARY KEY ({a}),
	CONSTRAINT {l} UNIQUE ({b}, {c}) DEFERRABLE,
	CONSTRAINT {n} CHECK ({b} > 0),
	CONSTRAINT {j} EXCLUDE USING gist ((int4range({b}, {b}, '[]')) WITH &&) WHERE ({b} > 3),
	CONSTRAINT {x} FOREIGN KEY ({h}) REFERENCES {s}.{t} ({a})
);
CREATE INDEX {i} ON {s}.{t} ({c} DESC, ({s}.{f}({a}))) INCLUDE ({b}) WHERE {b} > 1;
CREATE STATISTICS {s}.{u} ON {a}, {b} FROM {s}.{t};
CREATE TABLE {s}.{2} ({a} integer NOT NULL, {b} text) PARTITION BY RANGE ({a});
CREATE TABLE {s}.{3} PARTITION OF {s}.{2} FOR VALUES FROM (0) TO (1000);
CREATE TABLE {s}.{4} ({i} integer) INHERITS ({s}.{t});
CREATE TABLE {s}.{5} ({a} serial);
CREATE VIEW {s}.{6} ({a}) AS SELECT {b} FROM {s}.{t};
CREATE MATERIALIZED VIEW {s}.{7} AS SELECT {a} FROM {s}.{t};
CREATE UNIQUE INDEX {8} ON {s}.{7} ({a});
CREATE FUNCTION {s}.{v}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER {a} BEFORE UPDATE OF {b} ON {s}.{t} FOR EACH ROW EXECUTE FUNCTION {s}.{v}({'v});
CREATE RULE {r} AS ON INSERT TO {s}.{6} DO INSTEAD NOTHING;
CREATE POLICY {p} ON {s}.{t} USING ({a} > 0);
ALTER TABLE {s}.{t} REPLICA IDENTITY USING INDEX {k};
CREATE FOREIGN DATA WRAPPER {f};
CREATE SERVER {s} FOREIGN DATA WRAPPER {f} OPTIONS ({a} {'v});
CREATE USER MAPPING FOR PUBLIC SERVER {s} OPTIONS ({u} {'v});
CREATE FOREIGN TABLE {s}.{9} ({a} integer OPTIONS ({b} {'v})) SERVER {s};
CREATE PUBLICATION {p} FOR TABLE {s}.{t} ({a}, {b});
COMMENT ON TABLE {s}.{t} IS {'v};
COMMENT ON COLUMN {s}.{t}.{c} IS {'v};
COMMENT ON CONSTRAINT {n} ON {s}.{t} IS {'v};
COMMENT ON CONSTRAINT {k} ON DOMAIN {s}.{d} IS {'v};
COMMENT ON INDEX {s}.{i} IS {'v};
COMMENT ON TRIGGER {a} ON {s}.{t} IS {'v};
COMMENT ON RULE {r} ON {s}.{6} IS {'v};
COMMENT ON POLICY {p} ON {s}.{t} IS {'v};
COMMENT ON FUNCTION {s}.{f}(integer) IS {'v};
COMMENT ON COLUMN {s}.{p}.{b} IS {'v};
COMMENT ON COLUMN {s}.{6}.{a} IS {'v};
COMMENT ON STATISTICS {s}.{u} IS {'v};
COMMENT ON SERVER {s} IS {'v};
GRANT SELECT ({a}, {b}) ON {s}.{t} TO PUBLIC;
GRANT USAGE ON SCHEMA {s} TO PUBLIC;
REVOKE EXECUTE ON PROCEDURE {s}.{g}(integer) FROM PUBLIC;
INSERT INTO {s}.{t} ({c}, {d}, {e}) SELECT 'x' || i, {'v}, ROW(i, {'v})::{s}.{p} FROM generate_series(1, 5) i;
INSERT INTO {s}.{2} SELECT i, 'p' FROM generate_series(1, 20) i;
INSERT INTO {s}.{5} SELECT FROM generate_series(1, 20) i;
