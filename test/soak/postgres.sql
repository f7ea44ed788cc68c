-- Tables of every kind of key; the same rows every time.
CREATE TABLE customers (id bigint PRIMARY KEY, name varchar(80) NOT NULL, note text, amount numeric(12,2), placed timestamptz, code uuid, body jsonb, payload bytea, paid boolean);
INSERT INTO customers SELECT n * 3, 'Näme ' || n, CASE WHEN n % 4 > 0 THEN repeat(md5(n::text), n % 3 + 1) END, n::numeric / 100,
  timestamptz '2015-06-01 12:00:00+02' + n * interval '17.5 s', md5('o' || n)::uuid, jsonb_build_object('n', n, 'tag', n % 100), decode(md5(n::text), 'hex'), n % 2 = 0
  FROM generate_series(1, {rows}) n;
CREATE TABLE lines (customer bigint NOT NULL REFERENCES customers, position integer NOT NULL, product text NOT NULL, quantity integer, PRIMARY KEY (customer, position));
INSERT INTO lines SELECT (n / 2 + 1) * 3, n % 2, 'product ' || n % 977, n % 13 FROM generate_series(0, {rows} - 1) n;
CREATE INDEX lines_product ON lines (product);
CREATE TABLE devices (id uuid PRIMARY KEY, seen timestamptz NOT NULL, counter integer);
INSERT INTO devices SELECT md5('d' || n)::uuid, timestamptz '2020-01-01 00:00:00+00' + n * interval '1 s', n FROM generate_series(1, {rows} / 4) n;
CREATE TABLE names (name text COLLATE "C" PRIMARY KEY, n integer NOT NULL);
INSERT INTO names SELECT md5('n' || n) || ' é', n FROM generate_series(1, {rows} / 4) n;
CREATE TABLE wide (id integer PRIMARY KEY, doc text NOT NULL);
INSERT INTO wide SELECT n, repeat(md5(n::text), 128) FROM generate_series(1, {rows} / 50) n;
CREATE TABLE large (id integer PRIMARY KEY, data bytea NOT NULL);
INSERT INTO large SELECT n, decode(repeat(md5(n::text), 65536), 'hex') FROM generate_series(1, 8) n;
-- No key, and equal rows on purpose: one that is doubled shows in the count alone.
CREATE TABLE loose (word varchar(40), n integer);
INSERT INTO loose SELECT 'same', n % 100 FROM generate_series(1, {rows} / 10) n;
ANALYZE;
