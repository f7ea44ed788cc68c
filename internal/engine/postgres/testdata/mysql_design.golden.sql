
-- shop.customer -> public.customer ENCODING_CANONICAL key KEY_SOURCE_PRIMARY [id] range true
-- SEVERITY_INFO IDENTITY_BY_SEQUENCE shop.customer id: bigint unsigned holds more than bigint, the largest type that PostgreSQL numbers by itself: the column becomes numeric(20,0) and takes its numbers from the sequence customer_id_seq; cast it to bigint in the spec if no value is above 9223372036854775807
-- SEVERITY_WARNING DEFAULT_NOT_MOVED shop.customer zero: default is not moved: '0000-00-00'
-- SEVERITY_WARNING GEOMETRY_AS_BYTES shop.customer place: point becomes bytea with the geometry as EWKB, since PostGIS is not on the target: CREATE EXTENSION postgis there first to keep it
-- SEVERITY_WARNING DEFAULT_NOT_MOVED shop.customer odd: default is not moved: (floor(rand()*10))
-- SEVERITY_WARNING GENERATED_AS_VALUE shop.customer domain: generated column becomes an ordinary one with the values of now; its expression was: substring_index(`email`,'@',-1)
-- SEVERITY_INFO INDEX_CHANGED shop.customer code: index code_start takes the whole of the column instead of its first 2 characters
-- SEVERITY_WARNING INDEX_CHANGED shop.customer bio: index bio_start is one of the expression left("bio", 20): queries that are to use it must have that in their conditions
-- SEVERITY_INFO INDEX_CHANGED shop.customer hash: index hash_start takes the whole of the column instead of its first 4 characters
-- SEVERITY_WARNING INDEX_CHANGED shop.customer : full-text index words becomes a GIN index: MATCH … AGAINST is written to_tsvector('simple', coalesce("bio", '') || ' ' || coalesce("email", '')) @@ plainto_tsquery('simple', …) in PostgreSQL
-- SEVERITY_WARNING INDEX_NOT_MOVED shop.customer : index near is not moved: PostGIS is not on the target
-- SEVERITY_WARNING INDEX_NOT_MOVED shop.customer : index computed is not moved: only its own engine understands its expressions or its condition
-- SEVERITY_WARNING CHECK_NOT_MOVED shop.customer : check mail is not moved: its text compares by a collation of the source, by which other texts are equal: (`email` like '%@%')
-- SEVERITY_WARNING CHECK_NOT_MOVED shop.customer : check loose is not moved: its text compares by a collation of the source, by which other texts are equal: (`email` <> 'x')
-- SEVERITY_INFO ON_UPDATE_BY_TRIGGER shop.customer updated: ON UPDATE CURRENT_TIMESTAMP becomes the trigger customer_on_update with the function "customer_set_updated"
-- SEVERITY_INFO COLLATION_DIFFERS shop.customer : text is compared without case or accents in the source and exactly in PostgreSQL: email, status, flags, bio
-- SEVERITY_WARNING COLLATION_DIFFERS shop.customer email: unique index email takes 'a' beside 'A' in PostgreSQL, which utf8mb4_0900_ai_ci does not: cast the column to citext in the spec, or make a unique index on lower("email") there
-- SEVERITY_WARNING COLLATION_DIFFERS shop.customer bio: unique index bio_start takes 'a' beside 'A' in PostgreSQL, which utf8mb4_0900_ai_ci does not: cast the column to citext in the spec, or make a unique index on lower("bio") there
--   "id" bigint unsigned -> numeric(20,0) KIND_UINT -1
--   "email" varchar(100) -> character varying(100) KIND_TEXT -1
--   "status" enum('new','it''s old') -> text KIND_TEXT -1
--   "flags" set('a','b') -> text KIND_TEXT -1
--   "active" tinyint(1) -> smallint KIND_INT -1
--   "age" tinyint(3) unsigned -> smallint KIND_INT -1
--   "visits" int unsigned -> bigint KIND_INT -1
--   "zip" mediumint(8) unsigned zerofill -> integer KIND_INT -1
--   "born" year -> smallint KIND_INT -1
--   "balance" decimal(12,2) -> numeric(12,2) KIND_DECIMAL 2
--   "ratio" float unsigned -> real KIND_FLOAT32 -1
--   "exact" double -> double precision KIND_FLOAT64 -1
--   "bits" bit(8) -> bit(8) KIND_BITS 8
--   "code" char(5) -> character varying(5) KIND_TEXT -1
--   "bio" text -> text KIND_TEXT -1
--   "hash" binary(16) -> bytea KIND_BYTES -1
--   "doc" json -> jsonb KIND_JSON_VALUE -1
--   "doc_text" longtext -> json KIND_JSON -1
--   "day" date -> date KIND_DATE -1
--   "zero" date -> date KIND_DATE -1
--   "seen" datetime(3) -> timestamp(3) without time zone KIND_TIMESTAMP -1
--   "updated" timestamp -> timestamp(0) with time zone KIND_TIMESTAMPTZ -1
--   "took" time(6) -> interval(6) KIND_INTERVAL -1
--   "place" point -> bytea KIND_BYTES -1
--   "token" char(36) -> character varying(36) KIND_TEXT -1
--   "odd" int -> integer KIND_INT -1
--   "domain" varchar(100) -> character varying(100) KIND_TEXT -1
--   "best" int -> integer KIND_INT -1
-- STEP_CREATE table "public"."customer"
CREATE TABLE IF NOT EXISTS "public"."customer" (
	"id" numeric(20,0) NOT NULL,
	"email" character varying(100) NOT NULL,
	"status" text DEFAULT 'new'::text NOT NULL,
	"flags" text,
	"active" smallint DEFAULT '1'::smallint NOT NULL,
	"age" smallint,
	"visits" bigint DEFAULT '0'::bigint NOT NULL,
	"zip" integer,
	"born" smallint,
	"balance" numeric(12,2) DEFAULT '0.00'::numeric(12,2) NOT NULL,
	"ratio" real,
	"exact" double precision,
	"bits" bit(8) DEFAULT '00000101'::bit(8) NOT NULL,
	"code" character varying(5),
	"bio" text,
	"hash" bytea,
	"doc" jsonb DEFAULT '{}',
	"doc_text" json,
	"day" date DEFAULT CURRENT_DATE,
	"zero" date,
	"seen" timestamp(3) without time zone DEFAULT LOCALTIMESTAMP NOT NULL,
	"updated" timestamp(0) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"took" interval(6) DEFAULT 'P0M0DT1S'::interval(6),
	"place" bytea,
	"token" character varying(36) DEFAULT gen_random_uuid()::text,
	"odd" integer,
	"total" numeric(14,2) GENERATED ALWAYS AS (("balance"::numeric * "visits"::numeric)) STORED,
	"label" character varying(200) GENERATED ALWAYS AS (("code" || '-' || "email")) STORED,
	"domain" character varying(100),
	"best" integer
);
-- STEP_CREATE sequence "public"."customer_id_seq"
CREATE SEQUENCE IF NOT EXISTS "public"."customer_id_seq" OWNED BY "public"."customer"."id";
-- STEP_CREATE default of "public"."customer"."id"
ALTER TABLE "public"."customer" ALTER COLUMN "id" SET DEFAULT nextval('"public"."customer_id_seq"'::regclass);
-- STEP_KEY constraint customer_pkey
ALTER TABLE "public"."customer" ADD CONSTRAINT "customer_pkey" PRIMARY KEY ("id");
-- STEP_INDEXES constraint email
ALTER TABLE "public"."customer" ADD CONSTRAINT "email" UNIQUE ("email");
-- STEP_INDEXES index customer_idx
CREATE INDEX IF NOT EXISTS "customer_idx" ON "public"."customer" ("status", "born");
-- STEP_INDEXES index code_start
CREATE INDEX IF NOT EXISTS "code_start" ON "public"."customer" ("code");
-- STEP_INDEXES index bio_start
CREATE UNIQUE INDEX IF NOT EXISTS "bio_start" ON "public"."customer" ((left("bio", 20)));
-- STEP_INDEXES index hash_start
CREATE INDEX IF NOT EXISTS "hash_start" ON "public"."customer" ("hash" DESC);
-- STEP_INDEXES index words
CREATE INDEX IF NOT EXISTS "words" ON "public"."customer" USING gin (to_tsvector('simple', coalesce("bio", '') || ' ' || coalesce("email", '')));
-- STEP_KEY statistics of "public"."customer"
ANALYZE "public"."customer";
-- STEP_INDEXES constraint ages
ALTER TABLE "public"."customer" ADD CONSTRAINT "ages" CHECK ("age" BETWEEN 0 AND 150);
-- STEP_INDEXES constraint codes
ALTER TABLE "public"."customer" ADD CONSTRAINT "codes" CHECK ("code" IN ('AB', 'CD'));
-- STEP_INDEXES constraint both
ALTER TABLE "public"."customer" ADD CONSTRAINT "both" CHECK (("balance" >= -10.5 OR "visits" <> 0) AND "day" > '2001-01-01'::date);
-- STEP_CREATE constraint customer_status_check
ALTER TABLE "public"."customer" ADD CONSTRAINT "customer_status_check" CHECK ("status" IN ('new', 'it''s old'));
-- STEP_CREATE constraint customer_flags_check
ALTER TABLE "public"."customer" ADD CONSTRAINT "customer_flags_check" CHECK (string_to_array("flags", ',') <@ ARRAY['a', 'b']::text[]);
-- STEP_CREATE constraint customer_unsigned_check
ALTER TABLE "public"."customer" ADD CONSTRAINT "customer_unsigned_check" CHECK ("id" >= 0 AND "age" >= 0 AND "visits" >= 0 AND "zip" >= 0 AND "ratio" >= 0);
-- STEP_INDEXES function "public"."customer_set_updated"()
CREATE OR REPLACE FUNCTION "public"."customer_set_updated"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
	IF NEW."id" IS DISTINCT FROM OLD."id"
		OR NEW."email" IS DISTINCT FROM OLD."email"
		OR NEW."status" IS DISTINCT FROM OLD."status"
		OR NEW."flags" IS DISTINCT FROM OLD."flags"
		OR NEW."active" IS DISTINCT FROM OLD."active"
		OR NEW."age" IS DISTINCT FROM OLD."age"
		OR NEW."visits" IS DISTINCT FROM OLD."visits"
		OR NEW."zip" IS DISTINCT FROM OLD."zip"
		OR NEW."born" IS DISTINCT FROM OLD."born"
		OR NEW."balance" IS DISTINCT FROM OLD."balance"
		OR NEW."ratio" IS DISTINCT FROM OLD."ratio"
		OR NEW."exact" IS DISTINCT FROM OLD."exact"
		OR NEW."bits" IS DISTINCT FROM OLD."bits"
		OR NEW."code" IS DISTINCT FROM OLD."code"
		OR NEW."bio" IS DISTINCT FROM OLD."bio"
		OR NEW."hash" IS DISTINCT FROM OLD."hash"
		OR NEW."doc" IS DISTINCT FROM OLD."doc"
		OR NEW."doc_text"::text IS DISTINCT FROM OLD."doc_text"::text
		OR NEW."day" IS DISTINCT FROM OLD."day"
		OR NEW."zero" IS DISTINCT FROM OLD."zero"
		OR NEW."seen" IS DISTINCT FROM OLD."seen"
		OR NEW."updated" IS DISTINCT FROM OLD."updated"
		OR NEW."took" IS DISTINCT FROM OLD."took"
		OR NEW."place" IS DISTINCT FROM OLD."place"
		OR NEW."token" IS DISTINCT FROM OLD."token"
		OR NEW."odd" IS DISTINCT FROM OLD."odd"
		OR NEW."domain" IS DISTINCT FROM OLD."domain"
		OR NEW."best" IS DISTINCT FROM OLD."best" THEN
		IF NEW."updated" IS NOT DISTINCT FROM OLD."updated" THEN
			NEW."updated" := CURRENT_TIMESTAMP;
		END IF;
	END IF;
	RETURN NEW;
END';
-- STEP_INDEXES trigger customer_on_update
CREATE OR REPLACE TRIGGER "customer_on_update" BEFORE UPDATE ON "public"."customer" FOR EACH ROW EXECUTE FUNCTION "public"."customer_set_updated"();
-- STEP_INDEXES comment on "public"."customer"
COMMENT ON TABLE "public"."customer" IS 'who buys';
-- STEP_SEQUENCES sequence of "public"."customer"."id"
SELECT setval(q.seqrelid::regclass, GREATEST(m.top, q.seqmin), COALESCE(m.top >= q.seqmin, false))
FROM pg_sequence q, (SELECT max("id")::int8 AS top FROM "public"."customer") m
WHERE q.seqrelid = pg_get_serial_sequence('"public"."customer"', 'id')::regclass;
-- STEP_FOREIGN_KEYS constraint fk_best
ALTER TABLE "public"."customer" ADD CONSTRAINT "fk_best" FOREIGN KEY ("best") REFERENCES "public"."purchase" ("id") ON DELETE SET NULL;

-- shop.purchase -> public.purchase ENCODING_CANONICAL key KEY_SOURCE_PRIMARY [id] range true
-- SEVERITY_INFO ON_UPDATE_BY_TRIGGER shop.purchase updated: ON UPDATE CURRENT_TIMESTAMP becomes the trigger purchase_on_update with the function "set_updated"
--   "id" int -> integer KIND_INT -1
--   "customer" bigint unsigned -> numeric(20,0) KIND_UINT -1
--   "parent" int -> integer KIND_INT -1
--   "updated" timestamp -> timestamp(0) with time zone KIND_TIMESTAMPTZ -1
--   "extra" longtext -> json KIND_JSON -1
-- STEP_CREATE table "public"."purchase"
CREATE TABLE IF NOT EXISTS "public"."purchase" (
	"id" integer GENERATED BY DEFAULT AS IDENTITY NOT NULL,
	"customer" numeric(20,0) NOT NULL,
	"parent" integer,
	"updated" timestamp(0) with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL,
	"extra" json
);
-- STEP_KEY constraint purchase_pkey
ALTER TABLE "public"."purchase" ADD CONSTRAINT "purchase_pkey" PRIMARY KEY ("id");
-- STEP_INDEXES index purchase_idx
CREATE INDEX IF NOT EXISTS "purchase_idx" ON "public"."purchase" ("customer");
-- STEP_KEY statistics of "public"."purchase"
ANALYZE "public"."purchase";
-- STEP_CREATE constraint purchase_unsigned_check
ALTER TABLE "public"."purchase" ADD CONSTRAINT "purchase_unsigned_check" CHECK ("customer" >= 0);
-- STEP_INDEXES function "public"."set_updated"()
CREATE OR REPLACE FUNCTION "public"."set_updated"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
	IF NEW *<> OLD THEN
		IF NEW."updated" IS NOT DISTINCT FROM OLD."updated" THEN
			NEW."updated" := CURRENT_TIMESTAMP;
		END IF;
	END IF;
	RETURN NEW;
END';
-- STEP_INDEXES trigger purchase_on_update
CREATE OR REPLACE TRIGGER "purchase_on_update" BEFORE UPDATE ON "public"."purchase" FOR EACH ROW EXECUTE FUNCTION "public"."set_updated"();
-- STEP_SEQUENCES sequence of "public"."purchase"."id"
SELECT setval(q.seqrelid::regclass, GREATEST(m.top, q.seqmin), COALESCE(m.top >= q.seqmin, false))
FROM pg_sequence q, (SELECT max("id")::int8 AS top FROM "public"."purchase") m
WHERE q.seqrelid = pg_get_serial_sequence('"public"."purchase"', 'id')::regclass;
-- STEP_FOREIGN_KEYS constraint fk_customer
ALTER TABLE "public"."purchase" ADD CONSTRAINT "fk_customer" FOREIGN KEY ("customer") REFERENCES "public"."customer" ("id") ON UPDATE RESTRICT ON DELETE CASCADE;
-- STEP_FOREIGN_KEYS constraint fk_parent
ALTER TABLE "public"."purchase" ADD CONSTRAINT "fk_parent" FOREIGN KEY ("parent") REFERENCES "public"."purchase" ("id");
