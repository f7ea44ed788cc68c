-- A shop: related tables of mixed types, keys of several kinds, awkward values.
-- Everything is computed from the row's number, so every run makes the same rows.
BEGIN;

CREATE TABLE country (
  code TEXT NOT NULL PRIMARY KEY CHECK (length(code) = 2),
  name TEXT NOT NULL UNIQUE,
  tax_rate NUMERIC(5,2) NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE customer (
  id INTEGER PRIMARY KEY,
  country_code TEXT NOT NULL REFERENCES country (code),
  name TEXT NOT NULL,
  email TEXT NOT NULL UNIQUE,
  born DATE,
  credit NUMERIC(10,2) NOT NULL DEFAULT 0,
  newsletter BOOLEAN NOT NULL DEFAULT FALSE,
  note TEXT,
  created_at TIMESTAMP NOT NULL
);

CREATE TABLE category (
  id INTEGER PRIMARY KEY,
  parent_id INTEGER REFERENCES category (id),
  name TEXT NOT NULL
);

CREATE TABLE product (
  sku TEXT NOT NULL PRIMARY KEY,
  category_id INTEGER NOT NULL REFERENCES category (id),
  title TEXT NOT NULL,
  price NUMERIC(10,2) NOT NULL CHECK (price >= 0),
  weight REAL,
  attributes TEXT NOT NULL DEFAULT '{}',
  picture BLOB
);

CREATE TABLE orders (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  customer_id INTEGER NOT NULL REFERENCES customer (id),
  state TEXT NOT NULL DEFAULT 'open',
  placed_at TIMESTAMP NOT NULL,
  shipped_on DATE,
  comment TEXT
);

CREATE TABLE order_item (
  order_id INTEGER NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  line INTEGER NOT NULL,
  sku TEXT NOT NULL REFERENCES product (sku),
  quantity INTEGER NOT NULL,
  price NUMERIC(10,2) NOT NULL,
  PRIMARY KEY (order_id, line)
) WITHOUT ROWID;

CREATE TABLE payment (
  token BLOB NOT NULL PRIMARY KEY,
  order_id INTEGER NOT NULL REFERENCES orders (id),
  amount NUMERIC(12,2) NOT NULL,
  fee REAL NOT NULL
) WITHOUT ROWID;

-- No key at all: rows are told apart by their contents only.
CREATE TABLE page_view (
  customer_id INTEGER,
  path TEXT NOT NULL,
  milliseconds INTEGER NOT NULL
);

WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 49)
INSERT INTO country
SELECT char(65 + i / 26, 65 + i % 26), 'Country ' || (i + 1), (i * 7 % 26) + (i % 4) * 0.25 FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
INSERT INTO customer
SELECT i, char(65 + (i * 31 % 50) / 26, 65 + (i * 31 % 50) % 26),
       CASE i % 5 WHEN 0 THEN 'Zoë ' WHEN 1 THEN '李 ' WHEN 2 THEN 'O''Brien ' WHEN 3 THEN 'Łukasz ' ELSE 'Anna ' END || i,
       'customer' || i || '@example.com',
       CASE WHEN i % 7 = 0 THEN NULL ELSE date('1940-01-01', '+' || (i * 37 % 25000) || ' days') END,
       round((i * 7919 % 1000000) / 100.0 - 5000, 2),
       i % 3 = 0,
       CASE i % 11 WHEN 0 THEN '' WHEN 1 THEN 'two' || char(10) || 'lines' WHEN 2 THEN '	tab and \ backslash' ELSE NULL END,
       datetime('2015-01-01', '+' || (i * 15485863 % 300000000) || ' seconds')
FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
INSERT INTO category SELECT i, CASE WHEN i <= 6 THEN NULL ELSE (i - 1) % 6 + 1 END, 'Category ' || i FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
INSERT INTO product
SELECT printf('SKU-%05d', i * 7), (i * 13 % 60) + 1, 'Product ' || i || CASE i % 4 WHEN 0 THEN ' 🐂' ELSE '' END,
       (i * 104729 % 100000) / 100.0,
       CASE WHEN i % 9 = 0 THEN NULL ELSE i / 7.0 END,
       json_object('colour', CASE i % 3 WHEN 0 THEN 'red' WHEN 1 THEN 'grün' ELSE NULL END, 'size', i % 50),
       CASE WHEN i % 10 = 0 THEN NULL ELSE unhex(printf('%08X%08X00FF', i * 2654435761 % 4294967296, i)) END
FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 64000)
INSERT INTO orders
SELECT i * 3, (i * 6151 % 20000) + 1,
       CASE i % 6 WHEN 0 THEN 'open' WHEN 1 THEN 'cancelled' ELSE 'shipped' END,
       datetime('2020-01-01', '+' || (i * 2500) || ' seconds'),
       CASE WHEN i % 6 < 2 THEN NULL ELSE date('2020-01-02', '+' || (i * 2500 / 86400) || ' days') END,
       CASE WHEN i % 17 = 0 THEN 'Please ring twice — “thanks”' ELSE NULL END
FROM n;

WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 191999)
INSERT INTO order_item
SELECT (i / 3 + 1) * 3, i % 3 + 1, printf('SKU-%05d', ((i * 7907 % 2000) + 1) * 7), i % 9 + 1, (i * 104729 % 100000) / 100.0 FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 48000)
INSERT INTO payment
SELECT unhex(printf('%08X%08X', i * 2654435761 % 4294967296, i)), i * 3, (i * 12345 % 5000000) / 100.0, i / 97.0 FROM n;

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 29944)
INSERT INTO page_view
SELECT CASE WHEN i % 4 = 0 THEN NULL ELSE i % 20000 + 1 END, '/product/' || (i * 7 % 2000), i * 31 % 900 FROM n;

CREATE INDEX orders_customer ON orders (customer_id, placed_at);
CREATE INDEX order_item_sku ON order_item (sku);
CREATE INDEX payment_order ON payment (order_id);

-- Left behind, and listed as such.
CREATE VIEW turnover AS SELECT o.customer_id, sum(i.quantity * i.price) AS total FROM orders o JOIN order_item i ON i.order_id = o.id GROUP BY 1;
CREATE TRIGGER order_shipped AFTER UPDATE OF state ON orders WHEN new.state = 'shipped' BEGIN
  UPDATE orders SET shipped_on = date('now') WHERE id = new.id;
END;

COMMIT;
ANALYZE;
