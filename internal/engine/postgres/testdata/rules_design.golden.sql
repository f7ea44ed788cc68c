
-- public.child -> public.child ENCODING_PGCOPY key KEY_SOURCE_HIDDEN [ctid] range false
--   "parent" integer -> integer KIND_INT -1
-- STEP_CREATE table "public"."child"
CREATE TABLE IF NOT EXISTS "public"."child" (
	"parent" integer
);
-- STEP_KEY statistics of "public"."child"
ANALYZE "public"."child";
-- STEP_FOREIGN_KEYS constraint child_parent_fkey
ALTER TABLE "public"."child" ADD CONSTRAINT "child_parent_fkey" FOREIGN KEY ("parent") REFERENCES "public"."parent" ("ident");

-- public.parent -> public.parent ENCODING_PGCOPY key KEY_SOURCE_PRIMARY [id] range true
-- SEVERITY_WARNING INDEX_NOT_MOVED public.parent : index parent_gone is not moved: a column of it is not copied
--   "id" integer -> integer KIND_INT -1
--   "old name" text -> text KIND_TEXT -1
--   "price" numeric(10,2) -> numeric(10,2) KIND_DECIMAL 2
-- STEP_CREATE table "public"."parent"
CREATE TABLE IF NOT EXISTS "public"."parent" (
	"ident" integer NOT NULL,
	"new" text,
	"cost" numeric(10,2),
	"doubled" numeric GENERATED ALWAYS AS (("cost" * (2)::numeric)) STORED
);
-- STEP_KEY constraint parent_pkey
ALTER TABLE "public"."parent" ADD CONSTRAINT "parent_pkey" PRIMARY KEY ("ident");
-- STEP_INDEXES index parent_lower
CREATE INDEX IF NOT EXISTS "parent_lower" ON "public"."parent" USING btree (lower("new") COLLATE "C") WHERE ("new" <> 'old name'::text);
-- STEP_INDEXES constraint parent_old name_key
ALTER TABLE "public"."parent" ADD CONSTRAINT "parent_old name_key" UNIQUE ("new");
-- STEP_KEY statistics of "public"."parent"
ANALYZE "public"."parent";
-- STEP_INDEXES constraint parent_old name_check
ALTER TABLE "public"."parent" ADD CONSTRAINT "parent_old name_check" CHECK ((length("new") < 9));
-- STEP_INDEXES constraint parent_price_check
ALTER TABLE "public"."parent" ADD CONSTRAINT "parent_price_check" CHECK (("cost" >= (0)::numeric));
