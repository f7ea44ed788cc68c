-- Tables of every kind of key; the same rows every time.
SET SESSION cte_max_recursion_depth = 100000000;
CREATE TABLE numbers (n bigint PRIMARY KEY);
INSERT INTO numbers WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s;
CREATE TABLE customers (id bigint PRIMARY KEY, name varchar(80) NOT NULL, note text, amount decimal(12,2), placed datetime(6), code binary(16), body json, payload varbinary(64), paid tinyint) DEFAULT CHARSET utf8mb4;
INSERT INTO customers SELECT n * 3, concat('Näme ', n), CASE WHEN n % 4 > 0 THEN repeat(left(sha2(n, 256), 32), n % 3 + 1) END, n / 100,
  timestamp('2015-06-01 12:00:00') + INTERVAL n SECOND, unhex(left(sha2(concat('o', n), 256), 32)), json_object('n', n, 'tag', n % 100), unhex(left(sha2(n, 256), 32)), n % 2 FROM numbers;
CREATE TABLE `lines` (customer bigint NOT NULL, position int NOT NULL, product varchar(60) NOT NULL, quantity int, PRIMARY KEY (customer, position), KEY lines_product (product),
  CONSTRAINT lines_customer FOREIGN KEY (customer) REFERENCES customers (id)) DEFAULT CHARSET utf8mb4;
INSERT INTO `lines` SELECT ((n - 1) DIV 2 + 1) * 3, (n - 1) % 2, concat('product ', n % 977), n % 13 FROM numbers;
CREATE TABLE devices (id binary(16) PRIMARY KEY, seen timestamp(3) NOT NULL, counter int unsigned);
INSERT INTO devices SELECT unhex(left(sha2(concat('d', n), 256), 32)), timestamp('2020-01-01 00:00:00') + INTERVAL n SECOND, n FROM numbers WHERE n <= {rows} / 4;
CREATE TABLE names (name varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, n int NOT NULL);
INSERT INTO names SELECT concat(left(sha2(concat('n', n), 256), 32), ' é'), n FROM numbers WHERE n <= {rows} / 4;
CREATE TABLE wide (id int PRIMARY KEY, doc mediumtext NOT NULL);
INSERT INTO wide SELECT n, repeat(left(sha2(n, 256), 32), 128) FROM numbers WHERE n <= {rows} / 50;
CREATE TABLE large (id int PRIMARY KEY, data longblob NOT NULL);
INSERT INTO large SELECT n, unhex(repeat(left(sha2(n, 256), 32), 65536)) FROM numbers WHERE n <= 8;
-- No key, and equal rows on purpose: one that is doubled shows in the count alone.
CREATE TABLE loose (word varchar(40), n int);
INSERT INTO loose SELECT 'same', n % 100 FROM numbers WHERE n <= {rows} / 10;
DROP TABLE numbers;
ANALYZE TABLE customers, `lines`, devices, names, wide, large, loose;
