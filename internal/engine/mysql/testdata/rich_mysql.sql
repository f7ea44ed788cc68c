CREATE TABLE parent (id int unsigned NOT NULL AUTO_INCREMENT, code char(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, PRIMARY KEY (id), UNIQUE KEY code (code) COMMENT 'by ''code''')
	AUTO_INCREMENT=500 COMMENT='it''s a "parent" \\ `x`, (a;b)' STATS_PERSISTENT=1 STATS_SAMPLE_PAGES=30
;;
CREATE TABLE everything (
	id bigint unsigned NOT NULL AUTO_INCREMENT COMMENT 'a, (comment) with `quotes` and ''others''',
	hidden int NOT NULL DEFAULT 7 INVISIBLE,
	parent_id int unsigned DEFAULT NULL,
	boss bigint unsigned DEFAULT NULL,
	name varchar(64) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL DEFAULT 'it''s, (x)',
	label varchar(100) DEFAULT (concat(_utf8mb4'a,)', uuid())),
	state enum('new','it''s','c,d','(') NOT NULL DEFAULT 'new',
	flags set('a','b') DEFAULT 'a,b',
	bits bit(5) DEFAULT b'101',
	amount decimal(12,4) NOT NULL DEFAULT '1.5000',
	ts timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
	born date DEFAULT (curdate()),
	doc json DEFAULT (json_object('a', 1)),
	body longtext,
	packed varchar(20) COLUMN_FORMAT DYNAMIC,
	place point NOT NULL SRID 4326,
	twice decimal(14,4) GENERATED ALWAYS AS (amount * 2) STORED NOT NULL COMMENT 'stored',
	upper_name varchar(70) GENERATED ALWAYS AS (upper(name)) VIRTUAL INVISIBLE,
	vec vector(3) DEFAULT NULL,
	`select` int DEFAULT NULL,
	`名前 ``q` varchar(10) DEFAULT NULL,
	PRIMARY KEY (id),
	UNIQUE KEY pair (name, `select`),
	KEY part (body(20), name(5)),
	KEY down (amount DESC, id),
	KEY functional ((lower(name)), (amount + 1)),
	KEY multi ((cast(doc->'$.tags' as unsigned array))),
	KEY unseen (born) INVISIBLE COMMENT 'nobody sees it',
	FULLTEXT KEY words (body) WITH PARSER ngram,
	SPATIAL KEY at_place (place),
	CONSTRAINT positive CHECK (amount > 0 and label <> 'x''),('),
	CONSTRAINT perhaps CHECK (amount < 10) NOT ENFORCED,
	CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE SET NULL ON UPDATE CASCADE,
	CONSTRAINT of_boss FOREIGN KEY (boss) REFERENCES everything (id) ON DELETE CASCADE
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8 COMMENT='all of it'
;;
CREATE TABLE left_one (id int NOT NULL PRIMARY KEY, other int)
;;
CREATE TABLE right_one (id int NOT NULL PRIMARY KEY, other int, CONSTRAINT to_left FOREIGN KEY (other) REFERENCES left_one (id) ON UPDATE NO ACTION ON DELETE RESTRICT)
;;
ALTER TABLE left_one ADD CONSTRAINT to_right FOREIGN KEY (other) REFERENCES right_one (id)
;;
CREATE TABLE by_range (a int NOT NULL, d date NOT NULL, PRIMARY KEY (a, d)) PARTITION BY RANGE (year(d)) SUBPARTITION BY HASH (a) SUBPARTITIONS 2
	(PARTITION p0 VALUES LESS THAN (2000) COMMENT 'old, (ones)', PARTITION p1 VALUES LESS THAN MAXVALUE)
;;
CREATE TABLE by_list (a varchar(5) NOT NULL PRIMARY KEY) PARTITION BY LIST COLUMNS (a) (PARTITION x VALUES IN ('a','b,)'), PARTITION y VALUES IN ('c'))
;;
CREATE TABLE by_key (a int NOT NULL, b int, KEY (b)) PARTITION BY KEY (a) PARTITIONS 3
;;
SET SESSION sql_generate_invisible_primary_key = 1
;;
CREATE TABLE gipk (a int DEFAULT NULL)
;;
SET SESSION sql_generate_invisible_primary_key = 0
;;
CREATE TABLE `sixty-four characters, which is as long as a name here may be;!!` (`sixty-four characters, which is as long as a name here may be;!!` int PRIMARY KEY)
;;
CREATE TABLE `Mixed ``Case`` Größe 表` (`order` int PRIMARY KEY, `a.b` int, `"q"` int, KEY `group` (`a.b`, `"q"` DESC))
;;
CREATE TABLE log (at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), what varchar(200))
;;
CREATE FUNCTION tax(amount decimal(12,4), rate double) RETURNS decimal(12,4) DETERMINISTIC NO SQL SQL SECURITY INVOKER COMMENT 'it''s tax'
BEGIN
	-- a comment; with `quotes' and ;
	DECLARE out_value decimal(12,4) DEFAULT 0;
	SET out_value = amount * rate; /* another; one */
	RETURN out_value;
END
;;
CREATE PROCEDURE note(IN what varchar(200) CHARACTER SET latin1, OUT n int)
MODIFIES SQL DATA
BEGIN
	INSERT INTO log (what) VALUES (concat('größe: ', what));
	SELECT count(*) INTO n FROM log;
END
;;
CREATE ALGORITHM=MERGE DEFINER=CURRENT_USER SQL SECURITY INVOKER VIEW rich_ones AS SELECT id, name, tax(amount, 0.2) AS tax FROM everything WHERE amount > 100 WITH CASCADED CHECK OPTION
;;
CREATE ALGORITHM=TEMPTABLE VIEW a_summary (state, total) AS SELECT state, sum(amount) FROM everything GROUP BY state
;;
CREATE VIEW `0 needs one behind it` AS SELECT * FROM rich_ones WITH LOCAL CHECK OPTION
;;
CREATE TRIGGER everything_third BEFORE INSERT ON everything FOR EACH ROW SET NEW.body = concat(NEW.body, '3')
;;
CREATE TRIGGER everything_first BEFORE INSERT ON everything FOR EACH ROW PRECEDES everything_third SET NEW.body = concat(NEW.body, '1')
;;
CREATE TRIGGER everything_second BEFORE INSERT ON everything FOR EACH ROW FOLLOWS everything_first
BEGIN
	SET NEW.body = concat(NEW.body, '2');
	INSERT INTO log (what) VALUES ('inserted');
END
;;
CREATE TRIGGER everything_gone AFTER DELETE ON everything FOR EACH ROW CALL note(concat('gone ', OLD.id), @n)
;;
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'
;;
CREATE PROCEDURE ansi() SELECT "a" || 'b' FROM (SELECT 'x' AS "a") AS q
;;
SET NAMES latin1, sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'
;;
CREATE FUNCTION gr() RETURNS varchar(20) DETERMINISTIC RETURN 'größe'
;;
SET NAMES utf8mb4 COLLATE utf8mb4_bin
;;
SET time_zone = '+05:30'
;;
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2024-02-03 04:05:06' ENDS '2040-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'tidies; up' DO BEGIN DELETE FROM log WHERE at < now(); DELETE FROM log WHERE what IS NULL; END
;;
SET time_zone = '+00:00'
;;
INSERT INTO parent (id, code) VALUES (7, 'abc')
;;
SET foreign_key_checks = 0
;;
INSERT INTO left_one VALUES (1, 2)
;;
INSERT INTO right_one VALUES (2, 1)
;;
SET foreign_key_checks = 1
;;
INSERT INTO everything (id, hidden, parent_id, amount, body, place) VALUES (11, 3, 7, 5, 'one', ST_GeomFromText('POINT(1 2)', 4326)), (12, 4, NULL, 500, 'two', ST_GeomFromText('POINT(3 4)', 4326))
;;
INSERT INTO by_range VALUES (1, '1999-01-01'), (2, '2020-01-01')
;;
INSERT INTO gipk (a) VALUES (5), (6)
;;
DELETE FROM log
