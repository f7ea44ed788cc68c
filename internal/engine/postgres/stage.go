package postgres

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	planv1 "github.com/drover-db/drover/gen/drover/plan/v1"
	"github.com/drover-db/drover/internal/engine"
)

// place decides where a table goes, and where it is loaded before that.
func (d *designer) place(p *planv1.TablePlan) {
	schema, name := d.targetName(p.GetSource())
	p.TargetSchema, p.TargetName = schema, clip(name, 0)
	if p.GetTargetName() != name {
		note(p, blocker, codeNameTooLong, "", "the name %s has %d bytes and PostgreSQL keeps %d: give the table another one, as with tables: [{match: %q, into: %s}]",
			name, len(name), maxIdentifier, engine.Label(p, engine.SourceSide), clip(name, len(shorter))+shorter)
	}
	if d.req.Stage != "" {
		p.PublishSchema, p.PublishName = p.GetTargetSchema(), p.GetTargetName()
		p.TargetSchema = stagingSchema(d.req.Stage, schema)
	}
}

const stagePrefix = "_drover_"

// stagingSchema is where the tables of a final schema are loaded: one staging schema
// for each, so that names clash nowhere that they would not clash in the end.
func stagingSchema(stage, final string) string {
	name := stagePrefix + stage
	if final != "public" {
		name += "_" + final
	}
	if len(name) <= maxIdentifier {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	suffix := "_" + hex.EncodeToString(sum[:6])
	return clip(name, len(suffix)) + suffix
}

// siblingStage is the staging schema of another final schema of the same migration.
func siblingStage(p *planv1.TablePlan, final string) string {
	stage := strings.TrimPrefix(p.GetTargetSchema(), stagePrefix)
	stage, _, _ = strings.Cut(stage, "_")
	return stagingSchema(stage, final)
}

// finalPlace is where a table will be in the end.
func finalPlace(p *planv1.TablePlan) [2]string {
	if p.GetPublishName() != "" {
		return [2]string{p.GetPublishSchema(), p.GetPublishName()}
	}
	return [2]string{p.GetTargetSchema(), p.GetTargetName()}
}

// stagingSchemas are the staging schemas of tables, by final schema, in order.
func stagingSchemas(tables []*planv1.TablePlan) (staged, final []string) {
	take := func(stage, place string) {
		if !slices.Contains(staged, stage) {
			staged, final = append(staged, stage), append(final, place)
		}
	}
	for _, p := range tables {
		take(p.GetTargetSchema(), p.GetPublishSchema())
	}
	for _, p := range tables {
		for _, part := range p.GetSource().GetPartitions() {
			if schema := part.GetTable().GetSchema(); schema != p.GetSource().GetSchema() {
				take(siblingStage(p, schema), schema)
			}
		}
	}
	return staged, final
}
