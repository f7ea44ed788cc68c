SEVERITY_WARNING TEXT_LIMITED public.Parent.key: the column is part of a key, which holds 3072 bytes here in all: it becomes varchar(768), and a value of more than 768 characters stops the table
CREATE TABLE `target`.`Parent` (
	`key` varchar(768) NOT NULL,
	`v` char(36) CHARACTER SET ascii COLLATE ascii_bin,
	PRIMARY KEY (`key`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin;
SEVERITY_WARNING TYPE_NARROWED public.every.n: numeric becomes decimal(65,30), the widest there is: a number with more digits stops the table; cast the column to longtext to keep all
SEVERITY_WARNING TYPE_NARROWED public.every.n4: numeric(100,50) becomes decimal(65,30), the widest there is: a number with more digits stops the table; cast the column to longtext to keep all
SEVERITY_INFO INSTANT_AS_UTC public.every.at: timestamp with time zone becomes datetime(6), which has no time zone: it holds the instant in UTC
SEVERITY_WARNING TEXT_LIMITED public.every.t: the column is part of a key, which holds 3072 bytes here in all: it becomes varchar(726), and a value of more than 726 characters stops the table
SEVERITY_WARNING TEXT_LIMITED public.every.parent: the column is part of a key, which holds 3072 bytes here in all: it becomes varchar(768), and a value of more than 768 characters stops the table
SEVERITY_WARNING DEFAULT_NOT_MOVED public.every.x: default is not moved: nextval('s')
SEVERITY_INFO INDEX_PREFIX public.every.wide: index prefix takes the first 768 characters of the column, as many as an index here holds
SEVERITY_WARNING INDEX_NOT_MOVED public.every.: index gin is not moved: only its own engine has it: gin CREATE INDEX gin
SEVERITY_WARNING INDEX_NOT_MOVED public.every.: index part is not moved: only its own engine has it:  x > 1
SEVERITY_WARNING FOREIGN_KEY_CHANGED public.every.: foreign key to_parent is checked at once, and not where a column of it is NULL: MySQL has neither DEFERRABLE nor MATCH FULL
CREATE TABLE `target`.`every` (
	`id` bigint NOT NULL AUTO_INCREMENT,
	`small` smallint,
	`yes` tinyint(1) DEFAULT 1,
	`f4` float,
	`f8` double DEFAULT 1e-05,
	`n` decimal(65,30),
	`n2` decimal(12,2),
	`n3` decimal(5,0),
	`n4` decimal(65,30),
	`t` varchar(726) DEFAULT 'it''s \\ "x"',
	`vc` varchar(40) DEFAULT 'it''s \\ "x"',
	`wide` longtext,
	`b` longblob DEFAULT (x'00ff'),
	`d` date DEFAULT (CURRENT_DATE()),
	`ti` time(6),
	`tz` varchar(32) CHARACTER SET ascii COLLATE ascii_bin,
	`ts` datetime(6) DEFAULT CURRENT_TIMESTAMP(6),
	`at` datetime(6) DEFAULT (UTC_TIMESTAMP(6)),
	`iv` varchar(64) CHARACTER SET ascii COLLATE ascii_bin,
	`u` char(36) CHARACTER SET ascii COLLATE ascii_bin,
	`j` longtext,
	`jb` json,
	`bits` bit(9),
	`vbits` longtext,
	`mood` enum('sad','it''s'),
	`arr` longtext,
	`parent` varchar(768),
	`x` int,
	PRIMARY KEY (`id`),
	CONSTRAINT `c` CHECK (`x` > 0)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin COMMENT='all of it';
ALTER TABLE `target`.`every` ADD UNIQUE INDEX `two_texts` (`t`, `vc`, `small`);
ALTER TABLE `target`.`every` ADD INDEX `prefix` (`wide`(768));
ALTER TABLE `target`.`every` AUTO_INCREMENT = 1;
ALTER TABLE `target`.`every` ADD CONSTRAINT `to_parent` FOREIGN KEY (`parent`) REFERENCES `target`.`Parent` (`key`) ON DELETE CASCADE;
