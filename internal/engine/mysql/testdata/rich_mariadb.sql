CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 5 MINVALUE 10 MAXVALUE 1000 CACHE 20 CYCLE
;;
CREATE TABLE parent (id int unsigned NOT NULL AUTO_INCREMENT, code char(3) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, PRIMARY KEY (id), UNIQUE KEY code (code) COMMENT 'by ''code''')
	AUTO_INCREMENT=500 COMMENT='it''s a "parent" \\ `x`, (a;b)' STATS_PERSISTENT=1
;;
CREATE TABLE everything (
	id bigint unsigned NOT NULL AUTO_INCREMENT COMMENT 'a, (comment) with `quotes` and ''others''',
	hidden int NOT NULL DEFAULT 7 INVISIBLE,
	parent_id int unsigned DEFAULT NULL,
	boss bigint unsigned DEFAULT NULL,
	name varchar(64) CHARACTER SET latin1 COLLATE latin1_german1_ci NOT NULL DEFAULT 'it''s, (x)',
	label varchar(100) DEFAULT concat('a,)', uuid()),
	number bigint DEFAULT nextval(numbers),
	state enum('new','it''s','c,d','(') NOT NULL DEFAULT 'new',
	flags set('a','b') DEFAULT 'a,b',
	bits bit(5) DEFAULT b'101',
	amount decimal(12,4) NOT NULL DEFAULT 1.5000,
	positive int CHECK (positive > 0),
	ts timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
	born date DEFAULT curdate(),
	doc json DEFAULT '{"a": "b,)"}',
	body longtext,
	packed varchar(200) COMPRESSED DEFAULT NULL,
	place point NOT NULL,
	twice decimal(14,4) GENERATED ALWAYS AS (amount * 2) STORED COMMENT 'stored',
	upper_name varchar(70) GENERATED ALWAYS AS (upper(name)) VIRTUAL INVISIBLE,
	u uuid DEFAULT uuid(),
	address inet6 DEFAULT '::1',
	`select` int DEFAULT NULL,
	`名前 ``q` varchar(10) DEFAULT NULL,
	PRIMARY KEY (id),
	UNIQUE KEY pair (name, `select`),
	UNIQUE KEY long_one (body),
	KEY part (body(20), name(5)),
	KEY down (amount DESC, id),
	KEY unseen (born) COMMENT 'nobody sees it' IGNORED,
	FULLTEXT KEY words (label),
	SPATIAL KEY at_place (place),
	CONSTRAINT positive_too CHECK (amount > 0 and label <> 'x''),('),
	CONSTRAINT of_parent FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE SET NULL ON UPDATE CASCADE,
	CONSTRAINT of_boss FOREIGN KEY (boss) REFERENCES everything (id) ON DELETE CASCADE
) DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci ROW_FORMAT=DYNAMIC PAGE_COMPRESSED=1 COMMENT='all of it'
;;
CREATE TABLE left_one (id int NOT NULL PRIMARY KEY, other int)
;;
CREATE TABLE right_one (id int NOT NULL PRIMARY KEY, other int, CONSTRAINT to_left FOREIGN KEY (other) REFERENCES left_one (id) ON UPDATE NO ACTION ON DELETE RESTRICT)
;;
ALTER TABLE left_one ADD CONSTRAINT to_right FOREIGN KEY (other) REFERENCES right_one (id)
;;
CREATE TABLE by_range (a int NOT NULL, d date NOT NULL, PRIMARY KEY (a, d)) PARTITION BY RANGE (year(d)) SUBPARTITION BY HASH (a) SUBPARTITIONS 2
	(PARTITION p0 VALUES LESS THAN (2000) COMMENT = 'old, (ones)', PARTITION p1 VALUES LESS THAN MAXVALUE)
;;
CREATE TABLE by_list (a varchar(5) NOT NULL PRIMARY KEY) PARTITION BY LIST COLUMNS (a) (PARTITION x VALUES IN ('a','b,)'), PARTITION y DEFAULT)
;;
CREATE TABLE versioned (id int PRIMARY KEY, v int, secret int WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING
;;
CREATE TABLE versioned_by_name (id int PRIMARY KEY, v int, since timestamp(6) GENERATED ALWAYS AS ROW START INVISIBLE, until timestamp(6) GENERATED ALWAYS AS ROW END INVISIBLE, KEY (v),
	PERIOD FOR SYSTEM_TIME (since, until)) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME (PARTITION p_hist HISTORY, PARTITION p_cur CURRENT)
;;
CREATE TABLE periods (id int NOT NULL, s date NOT NULL, e date NOT NULL, PERIOD FOR valid (s, e), UNIQUE KEY once (id, valid WITHOUT OVERLAPS))
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
CREATE AGGREGATE FUNCTION middle(x int) RETURNS int
BEGIN
	DECLARE last_one int DEFAULT 0;
	DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN last_one;
	LOOP FETCH GROUP NEXT ROW; SET last_one = x; END LOOP;
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
SET sql_mode = 'ORACLE'
;;
CREATE PACKAGE tools AS FUNCTION one RETURN INT; PROCEDURE two(x INT); END
;;
CREATE PACKAGE BODY tools AS FUNCTION one RETURN INT AS BEGIN RETURN 1; END; PROCEDURE two(x INT) AS BEGIN SELECT x; END; END
;;
SET NAMES latin1, sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'
;;
CREATE FUNCTION gr() RETURNS varchar(20) DETERMINISTIC RETURN 'größe'
;;
SET NAMES utf8mb4 COLLATE utf8mb4_bin
;;
SET time_zone = '+05:30'
;;
CREATE EVENT tidy ON SCHEDULE EVERY 1 DAY STARTS '2024-02-03 04:05:06' ENDS '2037-01-01 00:00:00' ON COMPLETION PRESERVE DISABLE COMMENT 'tidies; up' DO BEGIN DELETE FROM log WHERE at < now(); DELETE FROM log WHERE what IS NULL; END
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
INSERT INTO everything (id, hidden, parent_id, amount, body, place, packed) VALUES (11, 3, 7, 5, 'one', ST_GeomFromText('POINT(1 2)'), repeat('x', 200)), (12, 4, NULL, 500, 'two', ST_GeomFromText('POINT(3 4)'), 'y')
;;
INSERT INTO by_range VALUES (1, '1999-01-01'), (2, '2020-01-01')
;;
INSERT INTO versioned VALUES (1, 1, 1), (2, 2, 2)
;;
UPDATE versioned SET v = 5
;;
INSERT INTO versioned_by_name (id, v) VALUES (1, 1), (2, 2)
;;
INSERT INTO periods VALUES (1, '2020-01-01', '2020-02-01')
;;
SELECT nextval(numbers)
;;
DELETE FROM log
