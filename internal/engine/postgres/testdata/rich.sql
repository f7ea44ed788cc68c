CREATE SCHEMA shop;
CREATE SCHEMA "Odd ""Schema";
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s ok', 'glad');
CREATE DOMAIN shop.email AS text COLLATE "C" DEFAULT 'a@b' CHECK (VALUE ~ '@');
CREATE DOMAIN shop.cents AS bigint NOT NULL;
CREATE TYPE shop.pair AS (a int, b text);
CREATE FUNCTION shop.next_code() RETURNS int LANGUAGE sql AS 'SELECT 7';
CREATE SEQUENCE shop.loose;
CREATE TABLE shop.customer (
	id serial PRIMARY KEY,
	email shop.email NOT NULL,
	mood shop.mood DEFAULT 'glad',
	balance shop.cents,
	code int DEFAULT shop.next_code(),
	ticket bigint DEFAULT nextval('shop.loose'),
	joined timestamptz NOT NULL DEFAULT now(),
	born date DEFAULT CURRENT_DATE,
	"name" varchar(40) COLLATE "C" DEFAULT 'O''Neill',
	short char(5),
	score numeric(10,2) DEFAULT 0,
	big numeric,
	tags text[] DEFAULT '{}',
	moods shop.mood[],
	span int4range,
	addr inet,
	price money,
	flags bit(3),
	doc jsonb DEFAULT '{}',
	doc_text json,
	at time(3),
	doubled bigint GENERATED ALWAYS AS (id * 2) STORED,
	active boolean DEFAULT true,
	CONSTRAINT positive CHECK (score >= 0),
	CONSTRAINT code_ok CHECK (code <> shop.next_code() + 1)
);
COMMENT ON TABLE shop.customer IS 'who buys; it''s "them"';
COMMENT ON COLUMN shop.customer.mood IS 'back\slash';
CREATE UNIQUE INDEX customer_email ON shop.customer (lower(email)) WHERE active;
CREATE INDEX customer_tags ON shop.customer USING gin (tags);
CREATE INDEX customer_name ON shop.customer ("name" DESC NULLS LAST) INCLUDE (score);
CREATE TABLE shop.ordered (
	customer int NOT NULL REFERENCES shop.customer ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
	line int NOT NULL,
	during tstzrange NOT NULL DEFAULT '[2024-01-01,2024-02-01)',
	note text,
	CONSTRAINT ordered_unique UNIQUE (customer, line),
	CONSTRAINT no_overlap EXCLUDE USING gist (during WITH &&) DEFERRABLE
);
CREATE TABLE shop.event (at date NOT NULL, kind text, n int GENERATED ALWAYS AS IDENTITY (START 100 MINVALUE 50)) PARTITION BY RANGE (at);
CREATE TABLE shop.event_2023 PARTITION OF shop.event FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE shop.event_2024 PARTITION OF shop.event FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE UNLOGGED TABLE "Odd ""Schema"."odd; DROP TABLE x; --" ("Select" text NOT NULL, "new
line" int, PRIMARY KEY ("Select"));
CREATE TABLE shop.parent (id int PRIMARY KEY, v text);
CREATE TABLE shop.child (extra int) INHERITS (shop.parent);
CREATE VIEW shop.rich AS SELECT * FROM shop.customer WHERE score > 10;
CREATE MATERIALIZED VIEW shop.stored AS SELECT 1 AS one;
CREATE RULE ignore AS ON DELETE TO shop.child DO INSTEAD NOTHING;
INSERT INTO shop.customer (email, mood, balance, big, tags, moods, span, addr, price, flags, doc, doc_text, at, short)
	SELECT 'u' || i || '@x', (ARRAY['sad', 'it''s ok', 'glad', NULL])[i % 4 + 1]::shop.mood, i, i / 7.0, ARRAY['a,b', NULL, '"'], ARRAY['glad', 'it''s ok']::shop.mood[],
		int4range(i, i + 5), '10.0.0.1', i::money, B'101', '{"a": 1.50, "b": [null]}', '{"b" : 1, "a":2}', '12:00:00.123', 'x'
	FROM generate_series(1, 300) i;
INSERT INTO shop.ordered (customer, line, during, note) SELECT i, 1, tstzrange('2024-01-01'::timestamptz + i * interval '1 day', '2024-01-02'::timestamptz + i * interval '1 day'), NULL FROM generate_series(1, 300) i;
INSERT INTO shop.event (at, kind) SELECT '2023-01-01'::date + i, 'k' FROM generate_series(1, 700) i;
INSERT INTO "Odd ""Schema"."odd; DROP TABLE x; --" SELECT 'k' || i, i FROM generate_series(1, 50) i;
INSERT INTO shop.parent VALUES (1, 'p'), (2, 'q');
INSERT INTO shop.child VALUES (3, 'c', 9);
