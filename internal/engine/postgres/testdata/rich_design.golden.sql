CREATE SCHEMA IF NOT EXISTS "Odd ""Schema";
CREATE SCHEMA IF NOT EXISTS "shop";
CREATE TYPE shop.mood AS ENUM ('sad', 'it''s ok', 'glad');
CREATE DOMAIN shop.email AS text COLLATE pg_catalog."C" DEFAULT 'a@b'::text CONSTRAINT email_check CHECK ((VALUE ~ '@'::text));
CREATE DOMAIN shop.cents AS bigint NOT NULL;
CREATE OR REPLACE FUNCTION shop.next_code()
 RETURNS integer
 LANGUAGE sql
AS $function$SELECT 7$function$
;
CREATE SEQUENCE shop.loose AS bigint START WITH 1 INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 CACHE 1;
SELECT setval('"shop"."loose"'::regclass, 300, true);
CREATE TABLE IF NOT EXISTS "shop"."parent" (
	"id" integer NOT NULL,
	"v" text
);
CREATE TABLE IF NOT EXISTS "shop"."child" (
	"extra" integer
) INHERITS ("shop"."parent");

-- Odd "Schema.odd; DROP TABLE x; -- -> Odd "Schema.odd; DROP TABLE x; -- ENCODING_PGCOPY key KEY_SOURCE_PRIMARY [Select] range false
--   "Select" text -> text KIND_TEXT -1
--   "new\nline" integer -> integer KIND_INT -1
-- STEP_CREATE table "Odd ""Schema"."odd; DROP TABLE x; --"
CREATE UNLOGGED TABLE IF NOT EXISTS "Odd ""Schema"."odd; DROP TABLE x; --" (
	"Select" text NOT NULL,
	"new
line" integer
);
-- STEP_KEY constraint odd; DROP TABLE x; --_pkey
ALTER TABLE "Odd ""Schema"."odd; DROP TABLE x; --" ADD CONSTRAINT "odd; DROP TABLE x; --_pkey" PRIMARY KEY ("Select");
-- STEP_KEY statistics of "Odd ""Schema"."odd; DROP TABLE x; --"
ANALYZE "Odd ""Schema"."odd; DROP TABLE x; --";

-- shop.child -> shop.child ENCODING_PGCOPY key KEY_SOURCE_HIDDEN [ctid] range false
--   "id" integer -> integer KIND_INT -1
--   "v" text -> text KIND_TEXT -1
--   "extra" integer -> integer KIND_INT -1
-- STEP_CREATE table "shop"."child"
CREATE TABLE IF NOT EXISTS "shop"."child" (
	"extra" integer
) INHERITS ("shop"."parent");
-- STEP_KEY statistics of "shop"."child"
ANALYZE "shop"."child";

-- shop.customer -> shop.customer ENCODING_CANONICAL key KEY_SOURCE_PRIMARY [id] range true
--   "id" integer -> integer KIND_INT -1
--   "email" shop.email -> shop.email KIND_TEXT -1
--   "mood" shop.mood -> shop.mood KIND_TEXT -1
--   "balance" shop.cents -> shop.cents KIND_INT -1
--   "code" integer -> integer KIND_INT -1
--   "ticket" bigint -> bigint KIND_INT -1
--   "joined" timestamp with time zone -> timestamp with time zone KIND_TIMESTAMPTZ -1
--   "born" date -> date KIND_DATE -1
--   "name" character varying(40) -> character varying(40) KIND_TEXT -1
--   "short" character(5) -> character(5) KIND_TEXT -1
--   "score" numeric(10,2) -> numeric(10,2) KIND_DECIMAL 2
--   "big" numeric -> numeric KIND_DECIMAL -1
--   "tags" text[] -> text[] KIND_TEXT -1
--   "moods" shop.mood[] -> shop.mood[] KIND_TEXT -1
--   "span" int4range -> int4range KIND_TEXT -1
--   "addr" inet -> inet KIND_TEXT -1
--   "price" money -> money KIND_TEXT -1
--   "flags" bit(3) -> bit(3) KIND_BITS -1
--   "doc" jsonb -> jsonb KIND_JSON -1
--   "doc_text" json -> json KIND_JSON -1
--   "at" time(3) without time zone -> time(3) without time zone KIND_TIME -1
--   "active" boolean -> boolean KIND_BOOL -1
-- STEP_CREATE table "shop"."customer"
CREATE TABLE IF NOT EXISTS "shop"."customer" (
	"id" integer NOT NULL,
	"email" shop.email NOT NULL,
	"mood" shop.mood DEFAULT 'glad'::shop.mood,
	"balance" shop.cents,
	"code" integer DEFAULT shop.next_code(),
	"ticket" bigint DEFAULT nextval('shop.loose'::regclass),
	"joined" timestamp with time zone DEFAULT now() NOT NULL,
	"born" date DEFAULT CURRENT_DATE,
	"name" character varying(40) COLLATE pg_catalog."C" DEFAULT 'O''Neill'::character varying,
	"short" character(5),
	"score" numeric(10,2) DEFAULT 0,
	"big" numeric,
	"tags" text[] DEFAULT '{}'::text[],
	"moods" shop.mood[],
	"span" int4range,
	"addr" inet,
	"price" money,
	"flags" bit(3),
	"doc" jsonb DEFAULT '{}'::jsonb,
	"doc_text" json,
	"at" time(3) without time zone,
	"doubled" bigint GENERATED ALWAYS AS ((id * 2)) STORED,
	"active" boolean DEFAULT true
);
-- STEP_CREATE sequence "shop"."customer_id_seq"
CREATE SEQUENCE IF NOT EXISTS "shop"."customer_id_seq" AS integer START WITH 1 INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 CACHE 1 OWNED BY "shop"."customer"."id";
-- STEP_CREATE default of "shop"."customer"."id"
ALTER TABLE "shop"."customer" ALTER COLUMN "id" SET DEFAULT nextval('"shop"."customer_id_seq"'::regclass);
-- STEP_KEY constraint customer_pkey
ALTER TABLE "shop"."customer" ADD CONSTRAINT "customer_pkey" PRIMARY KEY (id);
-- STEP_INDEXES index customer_email
CREATE UNIQUE INDEX IF NOT EXISTS "customer_email" ON "shop"."customer" USING btree (lower((email)::text)) WHERE active;
-- STEP_INDEXES index customer_name
CREATE INDEX IF NOT EXISTS "customer_name" ON "shop"."customer" USING btree (name DESC NULLS LAST) INCLUDE (score);
-- STEP_INDEXES index customer_tags
CREATE INDEX IF NOT EXISTS "customer_tags" ON "shop"."customer" USING gin (tags);
-- STEP_KEY statistics of "shop"."customer"
ANALYZE "shop"."customer";
-- STEP_INDEXES constraint code_ok
ALTER TABLE "shop"."customer" ADD CONSTRAINT "code_ok" CHECK ((code <> (shop.next_code() + 1)));
-- STEP_INDEXES constraint positive
ALTER TABLE "shop"."customer" ADD CONSTRAINT "positive" CHECK ((score >= (0)::numeric));
-- STEP_INDEXES comment on "shop"."customer"
COMMENT ON TABLE "shop"."customer" IS 'who buys; it''s "them"';
-- STEP_INDEXES comment on "shop"."customer"."mood"
COMMENT ON COLUMN "shop"."customer"."mood" IS  E'back\\slash';
-- STEP_SEQUENCES sequence of "shop"."customer"."id"
SELECT setval(q.seqrelid::regclass, LEAST(GREATEST(GREATEST(m.top, 300), q.seqmin), q.seqmax), COALESCE(m.top >= 300, false) OR true)
FROM pg_sequence q, (SELECT max("id")::int8 AS top FROM "shop"."customer") m
WHERE q.seqrelid = pg_get_serial_sequence('"shop"."customer"', 'id')::regclass;

-- shop.event -> shop.event ENCODING_PGCOPY key KEY_SOURCE_HIDDEN [tableoid ctid] range false
--   "at" date -> date KIND_DATE -1
--   "kind" text -> text KIND_TEXT -1
--   "n" integer -> integer KIND_INT -1
-- STEP_CREATE table "shop"."event"
CREATE TABLE IF NOT EXISTS "shop"."event" (
	"at" date NOT NULL,
	"kind" text,
	"n" integer GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME "shop"."event_n_seq" START WITH 100 INCREMENT BY 1 MINVALUE 50 MAXVALUE 2147483647 CACHE 1) NOT NULL
) PARTITION BY RANGE (at);
-- STEP_CREATE table "shop"."event_2023"
CREATE TABLE IF NOT EXISTS "shop"."event_2023" (
	"at" date NOT NULL,
	"kind" text,
	"n" integer NOT NULL
);
-- STEP_CREATE partition "shop"."event_2023"
ALTER TABLE ONLY "shop"."event" ATTACH PARTITION "shop"."event_2023" FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
-- STEP_CREATE table "shop"."event_2024"
CREATE TABLE IF NOT EXISTS "shop"."event_2024" (
	"at" date NOT NULL,
	"kind" text,
	"n" integer NOT NULL
);
-- STEP_CREATE partition "shop"."event_2024"
ALTER TABLE ONLY "shop"."event" ATTACH PARTITION "shop"."event_2024" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
-- STEP_KEY statistics of "shop"."event"
ANALYZE "shop"."event";
-- STEP_SEQUENCES sequence of "shop"."event"."n"
SELECT setval(q.seqrelid::regclass, LEAST(GREATEST(GREATEST(m.top, 799), q.seqmin), q.seqmax), COALESCE(m.top >= 799, false) OR true)
FROM pg_sequence q, (SELECT max("n")::int8 AS top FROM "shop"."event") m
WHERE q.seqrelid = pg_get_serial_sequence('"shop"."event"', 'n')::regclass;

-- shop.ordered -> shop.ordered ENCODING_PGCOPY key KEY_SOURCE_UNIQUE [customer line] range true
--   "customer" integer -> integer KIND_INT -1
--   "line" integer -> integer KIND_INT -1
--   "during" tstzrange -> tstzrange KIND_TEXT -1
--   "note" text -> text KIND_TEXT -1
-- STEP_CREATE table "shop"."ordered"
CREATE TABLE IF NOT EXISTS "shop"."ordered" (
	"customer" integer NOT NULL,
	"line" integer NOT NULL,
	"during" tstzrange DEFAULT '["2024-01-01 00:00:00+00","2024-02-01 00:00:00+00")'::tstzrange NOT NULL,
	"note" text
);
-- STEP_INDEXES constraint no_overlap
ALTER TABLE "shop"."ordered" ADD CONSTRAINT "no_overlap" EXCLUDE USING gist (during WITH &&) DEFERRABLE;
-- STEP_KEY constraint ordered_unique
ALTER TABLE "shop"."ordered" ADD CONSTRAINT "ordered_unique" UNIQUE (customer, line);
-- STEP_KEY statistics of "shop"."ordered"
ANALYZE "shop"."ordered";
-- STEP_FOREIGN_KEYS constraint ordered_customer_fkey
ALTER TABLE "shop"."ordered" ADD CONSTRAINT "ordered_customer_fkey" FOREIGN KEY (customer) REFERENCES "shop"."customer"(id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

-- shop.parent -> shop.parent ENCODING_PGCOPY key KEY_SOURCE_PRIMARY [id] range true
--   "id" integer -> integer KIND_INT -1
--   "v" text -> text KIND_TEXT -1
-- STEP_CREATE table "shop"."parent"
CREATE TABLE IF NOT EXISTS "shop"."parent" (
	"id" integer NOT NULL,
	"v" text
);
-- STEP_KEY constraint parent_pkey
ALTER TABLE "shop"."parent" ADD CONSTRAINT "parent_pkey" PRIMARY KEY (id);
-- STEP_KEY statistics of "shop"."parent"
ANALYZE "shop"."parent";
