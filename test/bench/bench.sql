-- :rows rows of about 170 bytes in one table; the same rows every time.
CREATE TABLE bench (
  id bigint NOT NULL,
  customer int NOT NULL,
  amount numeric(12,2) NOT NULL,
  weight double precision,
  name varchar(80),
  note text,
  placed timestamptz NOT NULL,
  code uuid NOT NULL,
  body jsonb,
  payload bytea,
  paid boolean
);
INSERT INTO bench
SELECT n, n % 100003, (n::bigint * 104729 % 10000019)::numeric / 100, CASE WHEN n % 6 > 0 THEN n / 7.0::double precision END,
       CASE WHEN n % 9 > 0 THEN 'Näme ' || n END, CASE WHEN n % 4 > 0 THEN repeat(md5(n::text), n % 2 + 1) END,
       timestamptz '2015-06-01 12:00:00+02' + n * interval '17.5 s', md5('o' || n)::uuid,
       CASE WHEN n % 5 > 0 THEN jsonb_build_object('n', n, 'tag', n % 100) END,
       CASE WHEN n % 3 > 0 THEN decode(md5(n::text), 'hex') END, n % 2 = 0
FROM generate_series(1, :rows) n;
ALTER TABLE bench ADD PRIMARY KEY (id);
VACUUM (FREEZE, ANALYZE) bench;
